"""Thread ids, namespaces, channels and task ids may hold any characters."""

import itertools

import pytest
from graph_runner import thread
from graphs import chat_graph, says
from raw_checkpoints import (
    checkpoint_id,
    checkpoint_of,
    config_of,
    put,
    values_at,
    writes_at,
)

HOSTILE = {
    "colon": "a:b",
    "colons": "::",
    "tag": "{a}",
    "empty tag": "{}",
    "open": "a{",
    "close": "a}",
    "closing twice": "a}b}",
    "star": "*",
    "question": "a?",
    "bracket": "[a-z]",
    "newline": "a\nb\r\n",
    "tab": "\t",
    "nul": "a\x00b",
    "space": " a ",
    "percent": "%7Ba%7D",
    "backslash": "\\x00",
    "quote": "\"'`",
    "emoji": "🎉",
    "combined": "e\u0301",
    "composed": "é",
    "rtl": "\u202eabc",
    "astral": "\U0010ffff",
    "long": "x" * 1024,
    "long emoji": "🎉" * 256,
    "pipe": "a|b",
    "slash": "../a",
    "dollar": "$key",
    "number": "0",
    "key": "langgraph:state:{a}",
}
NAMES = list(HOSTILE.values())

# Names that a careless key would mix up.
NEIGHBOURS = [
    *("a", "a:b", "a:", ":a", "a}", "{a}", "{a", "a}:b", "a*", "a?", "A", "a "),
    *("a\x00", "%7Ba%7D", "a%3Ab", "a%", "á", "a\u0301", "a:b:c", "a|b", "a\n", "langgraph", ""),
]


def fill(saver, name, thread_id, ns=""):
    config = put(saver, 1, {"a": [name], f"of {name}": name}, thread_id=thread_id, ns=ns)
    saver.put_writes(config, [(f"of {name}", name)], f"task {name}", f"path {name}")
    return config


def assert_filled(saver, name, thread_id, ns=""):
    config = config_of(thread_id, ns)
    assert values_at(saver, config) == {"a": [name], f"of {name}": name}
    assert writes_at(saver, config) == [(f"task {name}", f"of {name}", name)]
    (listed,) = saver.list(config)
    assert listed.config == config_of(thread_id, ns, checkpoint_id(1))
    assert listed.checkpoint["channel_values"]["a"] == [name]


@pytest.mark.parametrize("name", NAMES, ids=list(HOSTILE))
async def test_a_hostile_name_is_a_thread_id_like_any_other(saver, redis_client, name):
    graph = chat_graph(saver)
    graph.invoke(says("hello"), thread(name, user_id=name.replace("\x00", "")))
    await graph.ainvoke(says("again"), thread(name))
    assert [message.text for message in graph.get_state(thread(name)).values["messages"]] == [
        "hello",
        "1: hello",
        "again",
        "2: again",
    ]
    found = list(saver.list(None))
    assert {item.config["configurable"]["thread_id"] for item in found} == {name}
    assert len(list(saver.list(thread(name)))) == len(found)
    saver.copy_thread(name, "copy")
    saver.copy_thread("copy", f"{name}copy")
    saver.delete_thread("copy")
    assert graph.get_state(thread(f"{name}copy")).values == graph.get_state(thread(name)).values
    saver.prune([name])
    assert len(list(saver.list(thread(name)))) == 1
    saver.delete_thread(name)
    assert saver.get_tuple(thread(name)) is None
    assert graph.get_state(thread(f"{name}copy")).values["turns"] == 2
    saver.delete_thread(f"{name}copy")
    assert list(saver.list(None)) == []
    assert list(redis_client.scan_iter("langgraph:state:*")) == []


@pytest.mark.parametrize("name", NAMES, ids=list(HOSTILE))
def test_a_hostile_name_is_a_namespace_like_any_other(saver, name):
    fill(saver, "root", "thread")
    fill(saver, name, "thread", name)
    fill(saver, "longer", "thread", f"{name}:1")
    assert_filled(saver, name, "thread", name)
    assert_filled(saver, "longer", "thread", f"{name}:1")
    assert_filled(saver, "root", "thread")
    assert len(list(saver.list(config_of("thread", ns=None)))) == 3


@pytest.mark.parametrize("name", NAMES, ids=list(HOSTILE))
def test_a_hostile_name_is_a_channel_and_a_task_like_any_other(saver, name):
    root = put(saver, 1, {name: ["one"], "a": 1}, versions={name: 1, "a": 1})
    child = put(saver, 2, {name: ["one", "two"], "a": 1}, parent=root, versions={name: 2, "a": 1})
    saver.put_writes(child, [(name, "w"), ("a", name)], name, name)
    assert values_at(saver, root) == {name: ["one"], "a": 1}
    assert values_at(saver, child) == {name: ["one", "two"], "a": 1}
    assert writes_at(saver, child) == [(name, name, "w"), (name, "a", name)]
    history = saver.get_delta_channel_history(config=child, channels=[name, "a"])
    assert history == {name: {"writes": [], "seed": ["one"]}, "a": {"writes": [], "seed": 1}}


def test_checkpoints_with_hostile_ids_have_their_own_writes(saver):
    ids = sorted([*NAMES, *NEIGHBOURS[:-1], "a\x00\x00", "a\x00b\x00c"])
    for id_ in ids:
        stored = saver.put(config_of(), checkpoint_of(id_, {}, {}), {}, {})
        saver.put_writes(stored, [("of", id_)], "task")
    # Those of a checkpoint that was never put are nobody's.
    saver.put_writes(config_of(id="a\x00never"), [("of", "never")], "task")
    listed = list(saver.list(config_of()))
    assert {item.checkpoint["id"] for item in listed} == set(ids)
    assert all(item.pending_writes == [("task", "of", item.checkpoint["id"])] for item in listed)
    for id_ in ids:
        assert writes_at(saver, config_of(id=id_)) == [("task", "of", id_)]


def test_a_thread_sees_nothing_of_its_neighbours(saver):
    for name in NEIGHBOURS:
        fill(saver, name, name)
    for name in NEIGHBOURS:
        assert_filled(saver, name, name)
        assert len(list(saver.list(config_of(name, ns=None)))) == 1
    assert len(list(saver.list(None))) == len(NEIGHBOURS)


@pytest.mark.parametrize("deleted", NEIGHBOURS)
def test_deleting_a_thread_leaves_its_neighbours(saver, deleted):
    for name in NEIGHBOURS:
        fill(saver, name, name)
    saver.delete_thread(deleted)
    assert saver.get_tuple(config_of(deleted)) is None
    for name in NEIGHBOURS:
        if name != deleted:
            assert_filled(saver, name, name)


def test_threads_and_namespaces_that_join_to_the_same_text_do_not_mix(saver):
    parts = ["", "a", "b", "a:b", "a|b", ":", "{", "}", "a}", "}:{"]
    pairs = list(itertools.product(parts, parts))
    for number, (thread_id, ns) in enumerate(pairs):
        fill(saver, f"n{number}", thread_id, ns)
    for number, (thread_id, ns) in enumerate(pairs):
        assert_filled(saver, f"n{number}", thread_id, ns)


def test_an_empty_namespace_is_not_an_odd_one(saver):
    odd = ["", " ", "\x00", "None", "null", "0", "__empty__", "root", ":"]
    for ns in odd:
        fill(saver, f"in {ns}", "thread", ns)
    for ns in odd:
        assert_filled(saver, f"in {ns}", "thread", ns)
    assert len(list(saver.list(config_of("thread", ns="")))) == 1


def test_every_key_of_a_thread_begins_with_its_own_tag(saver, redis_client):
    """One cluster slot for a thread: the tag is the first `{…}`, whatever the id holds."""
    tags = {}
    for name in (*NEIGHBOURS, *NAMES):
        redis_client.flushdb()
        fill(saver, name, name)
        keys = list(redis_client.scan_iter("langgraph:state:*"))
        assert keys
        found = {key[: key.index(b"}") + 1] for key in keys}
        assert len(found) == 1, name
        tags.setdefault(found.pop(), set()).add(name)
    assert all(len(names) == 1 for names in tags.values()), tags
    assert b"langgraph:state:{a}" in tags
    assert b"langgraph:state:{}" not in tags, "an empty tag is none: a cluster hashes the whole key"

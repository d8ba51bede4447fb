"""Two prefixes on one server are two stores."""

import pytest
from graph_runner import thread
from graphs import chat_graph, says
from raw_checkpoints import config_of, ids_in, put, values_at, writes_at

from langgraph_dualstore import DualStoreSaver

PREFIXES = [
    ("langgraph:state", "other"),
    ("app", "app:b"),
    ("app", "app:"),
    ("a", "ab"),
    ("app*", "app?"),
]


@pytest.fixture(params=PREFIXES, ids=" and ".join)
def savers(request, redis_url):
    one, other = request.param
    with (
        DualStoreSaver.from_conn_string(redis_url, prefix=one) as first,
        DualStoreSaver.from_conn_string(redis_url, prefix=other) as second,
    ):
        yield first, second


def fill(saver, mark, run_id="run"):
    root = put(saver, 1, {"a": [mark]}, metadata={"run_id": "kept", "kind": "x"})
    config = put(saver, 2, {"a": [mark, 2]}, parent=root, metadata={"run_id": run_id, "kind": "x"})
    saver.put_writes(config, [("a", mark)], "task")
    put(saver, 1, {"a": [mark]}, thread_id="only", metadata={"run_id": run_id, "kind": "x"})


def assert_untouched(saver, mark):
    assert values_at(saver, config_of()) == {"a": [mark, 2]}
    assert writes_at(saver, config_of()) == [("task", "a", mark)]
    assert len(ids_in(saver.list(config_of()))) == 2
    assert len(ids_in(saver.list(None))) == 3
    assert len(ids_in(saver.list(None, filter={"kind": "x"}))) == 3


def test_each_prefix_sees_its_own(savers):
    first, second = savers
    fill(first, "one")
    assert second.get_tuple(config_of()) is None
    assert list(second.list(None)) == []
    fill(second, "two")
    assert_untouched(first, "one")
    assert_untouched(second, "two")


@pytest.mark.parametrize(
    "destroy",
    [
        lambda saver: saver.delete_thread("thread"),
        lambda saver: saver.prune(["thread", "only"], strategy="delete"),
        lambda saver: saver.prune(["thread", "only"]),
        lambda saver: saver.delete_for_runs(["run", "kept"]),
        lambda saver: saver.copy_thread("thread", "only"),
    ],
    ids=["delete_thread", "prune delete", "prune keep_latest", "delete_for_runs", "copy_thread"],
)
@pytest.mark.parametrize("direction", [1, -1])
def test_what_destroys_in_one_prefix_leaves_the_other(savers, destroy, direction):
    victim, bystander = savers[::direction]
    fill(victim, "victim")
    fill(bystander, "bystander")
    destroy(victim)
    assert len(ids_in(victim.list(None))) != 3
    assert_untouched(bystander, "bystander")


async def test_one_thread_is_two_conversations_in_two_prefixes(savers, redis_client):
    for mark, saver in zip(("one", "two"), savers, strict=True):
        graph = chat_graph(saver)
        await graph.ainvoke(says(mark), thread())
        graph.invoke(says(f"{mark} again"), thread())
    for mark, saver in zip(("one", "two"), savers, strict=True):
        messages = chat_graph(saver).get_state(thread()).values["messages"]
        assert [message.text for message in messages[::2]] == [mark, f"{mark} again"]
    for saver in savers:
        saver.delete_thread("thread")
    assert list(redis_client.scan_iter()) == []

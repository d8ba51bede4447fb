"""Metadata: where it comes from, how it comes back, and how it is filtered by."""

import pytest
from graph_runner import thread
from graphs import chat_graph, says
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of, found_at, ids_in, put

VALUES = {
    "none": None,
    "true": True,
    "false": False,
    "int": 42,
    "zero": 0,
    "negative": -7,
    "big": 2**53 + 1,
    "float": 1.5,
    "text": "text",
    "empty": "",
    "unicode": "naïve ✓ 🎉",
    "list": [1, "a", None, [2.5, {}]],
    "dict": {"a": {"b": [1, {"c": None}]}, "": "empty key", "é": 1},
    "empty_list": [],
    "empty_dict": {},
}
INJECTIONS = [
    'quo"te',
    "quo'te",
    "back\\slash",
    "a[0]",
    "a.b",
    "$.a",
    "]]",
    "]=]",
    '") or true --',
    "'; return redis.call('FLUSHALL') --",
    "%s",
    "{0}",
    "__class__",
    "a\nb",
    "key with spaces",
    "",
]


def found_by(saver, **filter):
    return ids_in(saver.list(config_of(), filter=filter))


def test_configurable_and_config_metadata_are_in_the_metadata(saver):
    config = config_of(user_id="u1", tries=3, score=0.5, vip=True, ignored=["no", "list"])
    config["configurable"]["__hidden"] = "internal"
    config["metadata"] = {"tag": "from config", "user_id": "not this one", "langgraph_step": 4}
    checkpoint = checkpoint_of(checkpoint_id(1), {}, {})
    saver.put(config, checkpoint, {"source": "loop", "step": 1, "parents": {}}, {})
    assert found_at(saver, config_of()).metadata == {
        "source": "loop",
        "step": 1,
        "parents": {},
        "tag": "from config",
        "user_id": "not this one",
        "tries": 3,
        "score": 0.5,
        "vip": True,
    }


async def test_a_graph_s_configurable_can_be_filtered_by(saver, runner):
    """`user_id` and the like arrive in `configurable`, not in the metadata."""
    graph = chat_graph(saver)
    await runner.invoke(graph, says("a"), thread("one", user_id="ann"))
    await runner.invoke(graph, says("b"), thread("two", user_id="bob"))
    found = list(saver.list(None, filter={"user_id": "ann"}))
    assert {item.config["configurable"]["thread_id"] for item in found} == {"one"}
    history = await runner.history(graph, thread("two"), filter={"user_id": "bob"})
    assert history
    assert await runner.history(graph, thread("two"), filter={"user_id": "ann"}) == []


def test_nul_characters_are_stripped_from_metadata(saver):
    config = config_of(user_id="a\x00nn")
    config["metadata"] = {"tag": "\x00"}
    checkpoint = checkpoint_of(checkpoint_id(1), {}, {})
    saver.put(config, checkpoint, {"source": "lo\x00op", "kept": "as is"}, {})
    assert found_at(saver, config_of()).metadata == {
        "source": "loop",
        "kept": "as is",
        "user_id": "ann",
        "tag": "",
    }
    assert found_by(saver, user_id="ann") == [checkpoint_id(1)]


def test_metadata_of_any_json_type_comes_back_exactly(saver):
    config = put(saver, 1, metadata=VALUES)
    found = found_at(saver, config).metadata
    assert {key: found[key] for key in VALUES} == VALUES
    assert {key: type(found[key]) for key in VALUES} == {
        key: type(value) for key, value in VALUES.items()
    }
    assert next(iter(saver.list(config_of()))).metadata == found


@pytest.mark.parametrize("name", VALUES)
async def test_a_filter_compares_values_of_any_json_type(saver, name):
    put(saver, 1, metadata={"key": VALUES[name]})
    put(saver, 2, metadata={"key": "something else"})
    put(saver, 3, metadata={"key": VALUES[name], "more": 1})
    expected = [checkpoint_id(3), checkpoint_id(1)]
    assert found_by(saver, key=VALUES[name]) == expected
    also = [item async for item in saver.alist(config_of(), filter={"key": VALUES[name]})]
    assert ids_in(also) == expected
    assert ids_in(saver.list(None, filter={"key": VALUES[name]})) == expected


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        (1, "1"),
        ("1", 1),
        (1, 2),
        ("true", True),
        ("null", None),
        ("", None),
        (0, None),
        (False, None),
        ([], {}),
        ({}, []),
        ([1, 2], [2, 1]),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 2}),
        ({"a": {"b": 1}}, {"a": {"b": "1"}}),
        ("abc", "ab"),
        ("abc", "ABC"),
        ("abc", "*"),
    ],
)
def test_a_filter_does_not_mistake_one_value_for_another(saver, stored, asked):
    put(saver, 1, metadata={"key": stored})
    assert found_by(saver, key=asked) == []


def test_every_key_of_a_filter_must_match(saver):
    put(saver, 1, metadata={"a": 1, "b": 1})
    put(saver, 2, metadata={"a": 1, "b": 2})
    put(saver, 3, metadata={"a": 1})
    assert found_by(saver, a=1, b=2) == [checkpoint_id(2)]
    assert found_by(saver, a=1) == [checkpoint_id(n) for n in (3, 2, 1)]
    assert found_by(saver, a=1, b=3) == []
    assert found_by(saver, unknown="x") == []
    assert len(found_by(saver)) == 3


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_filter_s_key_and_value_are_data(saver, text):
    put(saver, 1, metadata={text: text})
    put(saver, 2, metadata={"other": text})
    put(saver, 3, metadata={text: "other"})
    assert found_by(saver, **{text: text}) == [checkpoint_id(1)]
    assert ids_in(saver.list(None, filter={text: text})) == [checkpoint_id(1)]
    assert len(found_by(saver)) == 3

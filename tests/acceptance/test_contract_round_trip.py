"""Whatever the serializer can carry comes back exactly as it was put."""

import copy
import ipaddress
import pathlib
import re
from collections import deque
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, Interrupt, Send
from raw_checkpoints import config_of, found_at, put, values_at, writes_at

VALUES = {
    "none": None,
    "true": True,
    "false": False,
    "zero": 0,
    "int": -(2**63),
    "big int": 2**64 - 1,
    "float": 1.5,
    "whole float": 1.0,
    "infinity": float("inf"),
    "empty text": "",
    "nul": "a\x00b",
    "text": "naïve 🎉 \u2028",
    "empty bytes": b"",
    "bytes": bytes(range(256)),
    "bytes like text": b"null",
    "empty bytearray": bytearray(),
    "bytearray": bytearray(b"\x00\xff"),
    "empty list": [],
    "list of nothing": [None],
    "list of empties": [[], {}, "", b"", None, 0, False],
    "list of bytes": [b"", b"a"],
    "nested": {"a": [{"b": [1, [2, [3, {"c": b"\x00"}]]]}]},
    "number keys": {1: "one", 2.5: "two and a half", None: "none"},
    "truth as a key": {True: "true"},
    "empty dict": {},
    "set": {1, "a", None},
    "empty set": set(),
    "frozenset": frozenset({"x"}),
    "deque": deque([1, 2]),
    "datetime": datetime(2024, 2, 29, 1, 2, 3, 4),  # noqa: DTZ001
    "datetime with zone": datetime(2024, 2, 29, tzinfo=ZoneInfo("Europe/Berlin")),
    "datetime in utc": datetime(2024, 2, 29, 1, 2, 3, 999999, tzinfo=UTC),
    "date": date(2024, 2, 29),
    "time": time(1, 2, 3, 4, tzinfo=UTC),
    "timedelta": timedelta(days=-1, microseconds=1),
    "timezone": timezone(timedelta(hours=5, minutes=45)),
    "zone": ZoneInfo("Asia/Tokyo"),
    "decimal": Decimal("1.10"),
    "uuid": UUID(int=5),
    "path": pathlib.Path("a/b"),
    "pattern": re.compile("a+", re.IGNORECASE),
    "address": ipaddress.ip_address("::1"),
    "network": ipaddress.ip_network("10.0.0.0/8"),
    "message": HumanMessage("hello", id="m1", name="n"),
    "messages": [
        HumanMessage("hello", id="m1", additional_kwargs={"k": [1, {"d": b""}]}),
        AIMessage(
            [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "x"}}],
            id="m2",
            tool_calls=[{"name": "t", "args": {"a": None}, "id": "c"}],
            usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        ),
        ToolMessage("", tool_call_id="c", id="m3", artifact={"raw": b"\x00"}, status="error"),
    ],
    "messages among others": [1, HumanMessage("hello", id="m1"), None, {"m": AIMessage("x")}],
    "same message twice": [HumanMessage("hello", id="m1"), HumanMessage("hello", id="m1")],
    "send": Send("node", {"a": [1]}),
    "interrupt": Interrupt(value={"q": None}, id="i1"),
    "command": Command(update={"a": 1}, goto="x"),
    "long text": "x" * 300_000,
    "long list": list(range(5000)),
}


def assert_same(found, given):
    assert found == given
    assert type(found) is type(given)
    if isinstance(given, list):
        for ours, theirs in zip(found, given, strict=True):
            assert_same(ours, theirs)
    elif isinstance(given, dict):
        for (our_key, ours), (key, theirs) in zip(found.items(), given.items(), strict=True):
            assert_same(our_key, key)
            assert_same(ours, theirs)


@pytest.mark.parametrize("name", VALUES)
async def test_a_value_comes_back_as_it_was_put(saver, name):
    value = VALUES[name]
    config = put(saver, 1, {"a": value, "b": [value], "c": {"k": value}})
    saver.put_writes(config, [("a", value), ("b", [value])], "task")
    expected = InMemorySaver().serde
    for found in (
        saver.get_tuple(config),
        await saver.aget_tuple(config),
        next(iter(saver.list(config_of()))),
    ):
        values = found.checkpoint["channel_values"]
        assert_same(values["a"], value)
        # Inside a list or dict some types change in the serializer itself.
        for key, given in (("b", [value]), ("c", {"k": value})):
            assert_same(values[key], expected.loads_typed(expected.dumps_typed(given)))
        assert_same(found.pending_writes[0][2], value)


def test_a_tuple_becomes_what_the_serializer_makes_of_it(saver):
    serde = InMemorySaver().serde
    given = (1, ("a", [2]), ())
    config = put(saver, 1, {"a": given, "b": [given]})
    for key, value in (("a", given), ("b", [given])):
        assert_same(values_at(saver, config)[key], serde.loads_typed(serde.dumps_typed(value)))


def test_a_numpy_array_comes_back_as_it_was_put(saver):
    numpy = pytest.importorskip("numpy")
    arrays = {
        "plain": numpy.arange(12, dtype="float32").reshape(3, 4),
        "fortran": numpy.asfortranarray(numpy.arange(6).reshape(2, 3)),
        "empty": numpy.zeros((0, 3)),
        "strided": numpy.arange(20)[::2],
    }
    config = put(saver, 1, arrays)
    saver.put_writes(config, [("plain", arrays["plain"])], "task")
    found = values_at(saver, config)
    for name, array in arrays.items():
        numpy.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    numpy.testing.assert_array_equal(writes_at(saver, config)[0][2], arrays["plain"])


def test_a_channel_without_a_value_is_not_a_channel_with_none(saver):
    versions = {"none": 1, "empty": 1, "bytes": 1}
    config = put(saver, 1, {"none": None, "bytes": b""}, versions=versions)
    found = found_at(saver, config).checkpoint
    assert found["channel_values"] == {"none": None, "bytes": b""}
    assert found["channel_versions"] == versions


def test_a_channel_that_became_empty_has_no_value_and_its_parent_still_has(saver):
    parent = put(saver, 1, {"a": [1], "b": 2}, versions={"a": 1, "b": 1})
    child = put(saver, 2, {"b": 2}, parent=parent, versions={"a": 2, "b": 1}, new=["a"])
    leaf = put(saver, 3, {"b": 3}, parent=child, versions={"a": 2, "b": 3}, new=["b"])
    assert values_at(saver, child) == {"b": 2}
    assert values_at(saver, leaf) == {"b": 3}
    assert values_at(saver, parent) == {"a": [1], "b": 2}


def test_what_was_put_is_not_changed_and_not_shared(saver):
    messages = [HumanMessage("hello", id="m1", additional_kwargs={"k": []})]
    given = {"messages": messages, "plain": [[1]]}
    before = copy.deepcopy(given)
    config = put(saver, 1, given)
    assert given == before
    messages[0].additional_kwargs["k"].append("changed later")
    given["plain"][0].append(2)
    first = values_at(saver, config)
    assert first == before
    first["messages"][0].content = "changed by a reader"
    first["messages"].append("more")
    first["plain"].clear()
    assert values_at(saver, config) == before
    assert next(iter(saver.list(config_of()))).checkpoint["channel_values"] == before


def test_everything_of_a_checkpoint_comes_back(saver):
    checkpoint = {
        "v": 4,
        "id": "1f000000-0000-6000-8000-000000000001",
        "ts": "2024-05-04T06:32:42.235444+00:00",
        "channel_values": {"a": 1},
        "channel_versions": {"a": 1, "gone": 3},
        "versions_seen": {"__input__": {}, "node": {"a": 1}, "é:{}": {"x:y": 2}},
        "updated_channels": ["a"],
        "pending_sends": [],
        "of a later release": {"kept": [1]},
    }
    config = saver.put(config_of(), checkpoint, {"source": "input"}, {"a": 1})
    assert found_at(saver, config).checkpoint == checkpoint

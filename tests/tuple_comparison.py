"""Whether two savers show the same, to the byte."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

_SERDE = JsonPlusSerializer()


def encoded(value: Any) -> tuple[str, bytes]:
    """The value's bytes; `==` takes 1, 1.0 and True for the same."""
    return _SERDE.dumps_typed(value)


def in_order(found: Iterable[CheckpointTuple]) -> list[CheckpointTuple]:
    """As they come, but thread by thread and namespace by namespace."""

    def place(item: CheckpointTuple) -> tuple[str, str]:
        places = item.config["configurable"]
        return places["thread_id"], places["checkpoint_ns"]

    return sorted(found, key=place)


def assert_same(found: list[CheckpointTuple], expected: list[CheckpointTuple]) -> None:
    assert [item.config for item in found] == [item.config for item in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.checkpoint == theirs.checkpoint
        assert ours.metadata == theirs.metadata
        assert ours.parent_config == theirs.parent_config
        our_writes = [tuple(write) for write in ours.pending_writes or []]
        writes = [tuple(write) for write in theirs.pending_writes or []]
        assert our_writes == writes
        our_values = ours.checkpoint["channel_values"]
        for name, value in theirs.checkpoint["channel_values"].items():
            assert encoded(our_values[name]) == encoded(value)
        for our_write, write in zip(our_writes, writes, strict=True):
            assert encoded(our_write[2]) == encoded(write[2])

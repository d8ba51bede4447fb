"""What a state may hold and how a step may change it, for property-based tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

texts = st.sampled_from(["", "a", "hello", "naïve 🎉", "x" * 300, "nul \x00", '{"a": 1}'])

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.sampled_from([0.0, 1.0, 1.5, -2.25]),
    texts,
    st.sampled_from([b"", b"\x00\xff", Decimal("1.10"), datetime(2024, 2, 29, tzinfo=UTC)]),
)

values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def messages(draw: st.DrawFn) -> AnyMessage:
    kwargs: dict[str, Any] = {
        "id": draw(st.sampled_from([None, "m1", "m2", "m3", "m4"])),
        "additional_kwargs": draw(st.sampled_from([{}, {"k": 1}])) | {"nested": {"list": []}},
    }
    text = draw(texts)
    kind = draw(st.sampled_from([HumanMessage, AIMessage, SystemMessage, ToolMessage, "calls"]))
    if kind == "calls":
        call = {"name": "tool", "args": {"a": draw(scalars)}, "id": "c1"}
        return AIMessage(text, tool_calls=[call], **kwargs)
    if kind is ToolMessage:
        return ToolMessage(text, tool_call_id="c1", artifact=draw(scalars), **kwargs)
    return kind([{"type": "text", "text": text}] if draw(st.booleans()) else text, **kwargs)


_only_messages = st.lists(messages(), max_size=8)
message_lists = st.one_of(
    _only_messages, _only_messages, st.lists(st.one_of(messages(), scalars), max_size=5)
)

long_lists = st.lists(
    st.one_of(scalars, st.sampled_from(["y" * 200, {"k": "z" * 150}, ["w"] * 100])), max_size=4
)
"""Lists of anything but messages, often too long to lie in a checkpoint's own record."""


def _change_first_message_deep_inside(items: list[Any], new: list[Any]) -> list[Any]:
    for item in items:
        if isinstance(item, BaseMessage):
            item.additional_kwargs["nested"]["list"].append(len(items))
            break
    return items


def _change_last_message_in_place(items: list[Any], new: list[Any]) -> list[Any]:
    for item in reversed(items):
        if isinstance(item, BaseMessage):
            item.content = f"changed in place, one of {len(items)}"
            break
    return items


def _take_one_for_true_in_place(items: list[Any], new: list[Any]) -> list[Any]:
    """`1 == 1.0 == True`, but they are not the same to store."""
    after = {int: bool, bool: float, float: int}
    for item in items:
        if isinstance(item, BaseMessage):
            kwargs = item.additional_kwargs
            kwargs["k"] = after[type(kwargs.get("k", 1))](1)
            break
    return items


def _append_in_place(items: list[Any], new: list[Any]) -> list[Any]:
    items.extend(new)
    return items


CHANGES: dict[str, Callable[[list[Any], list[Any]], list[Any]]] = {
    "grow": lambda items, new: [*items, *new],
    "grow in place": _append_in_place,
    "shrink": lambda items, new: items[: len(items) // 2],
    "trim": lambda items, new: items[1:],
    "shrink and grow": lambda items, new: [*items[:-1], *new],
    "insert": lambda items, new: [*items[:1], *new, *items[1:]],
    "edit": lambda items, new: [*new[:1], *items[1:]],
    "reverse": lambda items, new: items[::-1],
    "repeat": lambda items, new: [*items, *items[:2]],
    "clear": lambda items, new: [],
    "replace": lambda items, new: list(new),
    "change in place": _change_last_message_in_place,
    "take 1 for True in place": _take_one_for_true_in_place,
    "change deep inside in place": _change_first_message_deep_inside,
    "keep": lambda items, new: list(items),
}
"""How a step makes the next list of messages from the last one and some new ones."""

CHANNELS = ["messages", "long", "other", "d"]


@dataclass(frozen=True)
class Step:
    """A superstep: what it does to the values of the checkpoint before it.

    `stray` changes a message in place that this step need not write. `d` is a delta
    channel: written, it has no value, at times a snapshot.
    """

    channels: frozenset[str]
    change: str
    messages: list[Any]
    long: list[Any]
    other: Any
    stray: str | None
    ahead: int

    def take(self, before: Mapping[str, Any], channels: Iterable[str]) -> dict[str, Any]:
        values = dict(before)
        if self.stray:
            CHANGES[self.stray](values["messages"], ["stray"])
        if "messages" in channels:
            values["messages"] = CHANGES[self.change](values["messages"], self.messages)
        if "long" in channels:
            values["long"] = CHANGES[self.change](values.get("long", []), self.long)
        if "other" in channels:
            values["other"] = self.other
        if "d" in channels:
            values.pop("d", None)
            if self.other is not None:
                values["d"] = self.other
        return values


# Lists that grow step by step, side by side, are what most graphs have.
_both_lists = st.just(frozenset({"messages", "long"}))
steps = st.builds(
    Step,
    channels=_both_lists | st.frozensets(st.sampled_from(CHANNELS)),
    change=st.just("grow") | st.sampled_from(sorted(CHANGES)),
    messages=message_lists,
    long=long_lists,
    other=st.none() | values,
    stray=st.none() | st.sampled_from([name for name in CHANGES if "in place" in name]),
    ahead=st.integers(1, 6),
)

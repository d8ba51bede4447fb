"""A session's state as JSON: what is read equals what was saved, or it is not saved."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from langgraph_dualstore.errors import CorruptRecord, UnserializableState

_DEEPEST = 100
# Python writes no longer number as text by itself: 4,300 digits.
_LARGEST_BITS = 14_000
_SHOWN = 60  # characters of a key in a message
_NAME = re.compile(r"\w[\w-]*")
# The two halves of a character, apart: JSON would join them.
_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def dump_state(state: Mapping[str, Any]) -> bytes:
    """Return a state as JSON.

    Tuples become arrays, times ISO texts, numpy's scalars numbers, members of an `Enum`
    that are texts or numbers as well just that.

    Raises:
        UnserializableState: JSON cannot carry a value, or would change it.
    """
    if not isinstance(state, Mapping):
        raise UnserializableState(f"a session's state must be a dict, not {_kind(state)}", field="")
    try:
        plain = _plain(state, frozenset())
    except _Refused as refused:
        field = refused.field
        raise UnserializableState(
            f"the session's state cannot be saved: {field or 'the state'} {refused.reason}",
            field=field,
        ) from None
    try:
        return _encode(plain).encode()
    except UnicodeEncodeError:  # half a character, which JSON has an escape for
        return _encode_ascii(plain).encode()


def load_state(raw: bytes, session_id: str) -> dict[str, Any]:
    """Return the state that `dump_state` was given, as new objects.

    Raises:
        CorruptRecord: This is not the JSON of a state.
    """
    try:
        state = json.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise _corrupt(session_id) from error
    if not isinstance(state, dict):
        raise _corrupt(session_id)
    return state


def _corrupt(session_id: str) -> CorruptRecord:
    return CorruptRecord(
        f"what is stored of session {session_id!r} is not the JSON of a state",
        thread_id=session_id,
    )


class _Refused(Exception):
    """A value that JSON does not carry; whoever holds it prepends how it is reached."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[str | int] = []

    @property
    def field(self) -> str:
        path = "".join(map(_spelled, reversed(self.steps)))
        return path.removeprefix(".")


def _spelled(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _NAME.fullmatch(step) and len(step) <= _SHOWN:
        return f".{step}"
    return f"[{_shown(step)}]"


def _shown(key: object) -> str:
    spelled = ascii(key)
    return spelled if len(spelled) <= _SHOWN else f"{spelled[:_SHOWN]}…"


def _plain(value: Any, inside: frozenset[int]) -> Any:
    """Return a value as JSON has it; `inside` are the `id`s of what it is part of."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _plain_text(value)
    if isinstance(value, int):
        return _plain_whole(value)
    if isinstance(value, float):
        return _plain_float(value)
    if isinstance(value, Mapping | list | tuple):
        return _plain_container(value, inside)
    return value.isoformat() if isinstance(value, date | time) else _plain_scalar(value)


def _plain_container(
    value: Mapping[Any, Any] | list[Any] | tuple[Any, ...], inside: frozenset[int]
) -> Any:
    if id(value) in inside:
        raise _Refused("contains itself")
    if len(inside) == _DEEPEST:
        raise _Refused(f"is nested more than {_DEEPEST} deep")
    inside |= {id(value)}
    return _object(value, inside) if isinstance(value, Mapping) else _array(value, inside)


def _object(value: Mapping[Any, Any], inside: frozenset[int]) -> dict[str, Any]:
    plain = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _Refused(f"has the key {_shown(key)} {_kind(key)}; keys must be texts")
        try:
            plain[_plain_text(key)] = _plain(item, inside)
        except _Refused as refused:
            refused.steps.append(key)
            raise
    return plain


def _array(value: list[Any] | tuple[Any, ...], inside: frozenset[int]) -> list[Any]:
    plain: list[Any] = []
    for item in value:
        try:
            plain.append(_plain(item, inside))
        except _Refused as refused:
            refused.steps.append(len(plain))
            raise
    return plain


def _plain_text(value: str) -> str:
    if not value.isascii() and _HALVES.search(value):
        raise _Refused("is a text that holds the two halves of a character, apart")
    return str.__str__(value)


def _plain_whole(value: int) -> int:
    if value.bit_length() > _LARGEST_BITS:
        raise _Refused("is a number of more than 4,000 digits")
    return int.__index__(value)


def _plain_float(value: float) -> float:
    if not math.isfinite(value):
        raise _Refused(f"is {float(value)}, which JSON has no number for")
    return float.__float__(value)


def _plain_scalar(value: Any) -> Any:
    """Return numpy's scalar as Python has it, without importing numpy."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind is not None and getattr(value, "shape", None) == ():
        if kind == "M" and str(value) != "NaT":
            return str(value)
        if kind in ("b", "i", "u", "f"):
            number = value.item()
            # A long double stays one: Python has none.
            if isinstance(number, bool | int | float):
                return _plain(number, frozenset())
    raise _Refused(f"is {_kind(value)}, which JSON cannot carry")


def _kind(value: object) -> str:
    of = type(value)
    name = of.__qualname__ if of.__module__ == "builtins" else f"{of.__module__}.{of.__qualname__}"
    return f"of type {name}"

"""How values become bytes in a thread's log, so that only what is new is appended.

The log is append-only. A list of messages is stored element by element: the next
version of the list is the runs of the one before and what came since, so a turn costs
what the turn adds. A message that was edited, moved or brought back is found by its
bytes. Other lists are compared as a whole and stored by their tail if they grew.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage

from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Run, Stored, join_runs
from langgraph_dualstore.serialization import Codec, Fingerprint
from langgraph_dualstore.serialization.msgpack import element_bodies, list_header

INLINE_BYTES = 128
"""Values up to this many bytes lie in the record: a reference would hardly be shorter."""

FRESH_BYTES = 16 * 1024
"""Values up to this many bytes lie in the record of the step that writes them. Many are
gone by the next step, such as a graph's input; one that stays then moves to the log."""

MAX_RUNS = 256
"""A list in more pieces than this is stored anew, in one."""


class Known(NamedTuple):
    """What this process knows of a channel's value in the parent checkpoint."""

    stored: Stored
    fingerprint: Fingerprint | None
    log: LogCopy


class Placed(NamedTuple):
    """Where a value is stored, and its fingerprint if it is a list of messages."""

    stored: Stored
    fingerprint: Fingerprint | None = None


class Appendix:
    """The bytes that one put will append to the log."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> Run:
        """Take bytes to append; returns their run, at a position of the put's own."""
        run = Run(-1 - self._size, len(data))
        self._parts.append(data)
        self._size += len(data)
        return run

    def __bytes__(self) -> bytes:
        return b"".join(self._parts)

    def __len__(self) -> int:
        return self._size


def place(codec: Codec, value: Any, known: Known | None, appendix: Appendix) -> Placed:
    """Decide where a channel's value is stored; what is new goes to the appendix.

    Raises:
        Exception: Whatever the serializer raises on the value.
    """
    if type(value) is list and codec.splits_lists and value and isinstance(value[0], BaseMessage):
        placed = _place_messages(codec, value, known, appendix)
        if placed is not None:
            return placed
    type_, data = codec.dumps(value)
    data = bytes(data)
    if len(data) > INLINE_BYTES:
        if type(value) is list and type_ == "msgpack" and codec.splits_lists:
            count, before = len(value), _bytes_of(known)
            elements = data[len(list_header(count)) :]
            grown = _grown(known, before, elements, count, appendix)
            return Placed(grown or _anew(elements, count, appendix))
        if known and known.stored.type == type_ and _holds(known, data):
            return Placed(known.stored)
        if len(data) > FRESH_BYTES:
            return Placed(Stored(type_, runs=(appendix.add(data),)))
    return Placed(Stored(type_, inline=data))


def keep(stored: Stored, appendix: Appendix) -> Stored:
    """Return where a value that did not change is from now on."""
    if stored.inline is None or len(stored.inline) <= INLINE_BYTES:
        return stored
    return Stored(stored.type, runs=(appendix.add(stored.inline),))


def _holds(known: Known, data: bytes) -> bool:
    """Tell whether a known value lies in the log and is these bytes."""
    runs = known.stored.runs
    return (
        known.stored.items is None
        and sum(run.length for run in runs) == len(data)
        and known.log.read(runs) == data
    )


def _grown(
    known: Known | None, before: bytes | None, elements: bytes, count: int, appendix: Appendix
) -> Stored | None:
    """Return where a list is that begins with the known one, `None` if it does not."""
    if known is None or before is None or not elements.startswith(before):
        return None
    return _extended(known, count, elements[len(before) :], appendix)


def _anew(elements: bytes, count: int, appendix: Appendix) -> Stored:
    return Stored("msgpack", items=count, runs=(appendix.add(elements),))


def _place_messages(
    codec: Codec, messages: Sequence[Any], known: Known | None, appendix: Appendix
) -> Placed | None:
    count = len(messages)
    old = None
    earlier = known.fingerprint if known else None
    if known and earlier is None and (old := _bytes_of(known)) is not None:
        earlier = codec.fingerprint_of(old, known.stored.items or 0)
    checked = codec.fingerprint(messages, earlier)
    fingerprint = checked.fingerprint if checked else None
    if known and checked and checked.unchanged:
        tail = codec.dumps_messages(messages[known.stored.items :])
        if tail is None:
            return None
        return Placed(_extended(known, count, b"".join(tail), appendix), fingerprint)

    elements = codec.dumps_messages(messages)
    if elements is None:
        return None
    everything = b"".join(elements)
    if old is None:
        old = _bytes_of(known)
    stored = _grown(known, old, everything, count, appendix)
    if stored is None and known is not None and old is not None:
        stored = _rearranged(known.stored, old, elements, everything, appendix)
    return Placed(stored or _anew(everything, count, appendix), fingerprint)


def _bytes_of(known: Known | None) -> bytes | None:
    """Return the elements of a known list, `None` if it is none or is not at hand."""
    if known is None or known.stored.items is None:
        return None
    return known.log.read(known.stored.runs)


def _extended(known: Known, count: int, tail: bytes, appendix: Appendix) -> Stored:
    stored = known.stored
    if not tail:
        return stored._replace(items=count)
    if len(stored.runs) >= MAX_RUNS:
        before = known.log.read(stored.runs)
        if before is not None:
            return _anew(before + tail, count, appendix)
    return stored._replace(items=count, runs=(*stored.runs, appendix.add(tail)))


def _rearranged(
    stored: Stored, old: bytes, elements: list[bytes], everything: bytes, appendix: Appendix
) -> Stored:
    places = _element_places(stored, old)
    known_runs = [places.get(element) for element in elements]
    pieces = sum(
        left is None or right is None or left.end != right.start
        for left, right in pairwise(known_runs)
    )
    if pieces >= MAX_RUNS:
        runs: tuple[Run, ...] = (appendix.add(everything),)
    else:
        runs = join_runs(
            run or appendix.add(element) for run, element in zip(known_runs, elements, strict=True)
        )
    return Stored("msgpack", items=len(elements), runs=runs)


def _element_places(stored: Stored, old: bytes) -> dict[bytes, Run]:
    """Return where in the log each element of a stored list of messages is."""
    bodies = element_bodies(old, stored.items or 0)
    places: dict[bytes, Run] = {}
    if bodies is None:
        return places
    runs = iter(stored.runs)
    run = next(runs, Run(0, 0))
    run_begins = begin = 0
    for _, end in bodies:
        while begin >= run_begins + run.length:
            run_begins += run.length
            run = next(runs)
        places[old[begin:end]] = Run(run.start + begin - run_begins, end - begin)
        begin = end
    return places

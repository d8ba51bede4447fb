r"""Which messages were written since a thread was archived last.

A put that adds messages to a list, or changes it otherwise, appends an entry to the
thread's journal: what the list is now, and how much of it the list before it already
was. The messages themselves lie in the log. So every message that was ever written is
found until it has been archived, also when the graph has dropped it since, and its
checkpoint as well.

A part of the journal is a line, which the script writes, and a msgpack list of entries:

    <position> <length>\n<entries>

`position` is where the put's own bytes were appended to the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import ormsgpack

from langgraph_dualstore.errors import CorruptRecord
from langgraph_dualstore.hot.keys import decode_text, encode_text
from langgraph_dualstore.hot.records import (
    Run,
    Stored,
    begins_with,
    pack_stored,
    unpack_stored,
)

NO_JOURNAL = b"-"
"""What a put says that keeps no journal, since it knows of no archive. No entries look so."""

_LINE = re.compile(rb"(\d+) (\d+)\n")


class Entry(NamedTuple):
    """A list of messages as a put left it.

    Attributes:
        channel: The channel.
        time: The checkpoint's `ts`.
        old_items: How many of its first messages the list before it consists of.
        old_bytes: How many bytes these come to.
        stored: Where the list is.
    """

    channel: str
    time: str
    old_items: int
    old_bytes: int
    stored: Stored

    @property
    def new_runs(self) -> tuple[Run, ...]:
        """Where in the log the messages are that the list before it does not have."""
        return skip_bytes(self.stored.runs, self.old_bytes)

    def goes_on_from(self, list_: Stored) -> bool:
        """Tell whether the messages that are not new in it are the first ones of a list."""
        if list_.items is None or list_.items < self.old_items:
            return False
        return begins_with(list_.runs, first_bytes(self.stored.runs, self.old_bytes))


def entry_of(channel: str, time: str, stored: Stored, before: Stored | None) -> Entry | None:
    """Return the entry for a list and the one before it, `None` if nothing is new in it.

    Args:
        channel: The channel.
        time: The checkpoint's `ts`.
        stored: Where the list is.
        before: Where the list before it is, `None` if there is none.
    """
    if stored == before:
        return None
    if before is None or not grew(before, stored):
        return Entry(channel, time, 0, 0, stored)
    size = sum(run.length for run in before.runs)
    return Entry(channel, time, before.items or 0, size, stored)


def grew(before: Stored, after: Stored) -> bool:
    """Tell whether a list is an earlier one with nothing or something added at its end."""
    if before.items is None or after.items is None or before.items > after.items:
        return False
    return begins_with(after.runs, before.runs)


def skip_bytes(runs: Iterable[Run], count: int) -> tuple[Run, ...]:
    """Return runs without their first `count` bytes."""
    left: list[Run] = []
    for run in runs:
        skipped = min(count, run.length)
        count -= skipped
        if skipped < run.length:
            left.append(Run(run.start + skipped, run.length - skipped))
    return tuple(left)


def first_bytes(runs: Iterable[Run], count: int) -> tuple[Run, ...]:
    """Return the first `count` bytes of runs."""
    first: list[Run] = []
    for run in runs:
        if count <= 0:
            break
        first.append(Run(run.start, min(count, run.length)))
        count -= run.length
    return tuple(first)


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """Return entries as bytes; the script puts the line before them."""
    return ormsgpack.packb(
        [
            [
                encode_text(entry.channel),
                entry.time,
                entry.old_items,
                entry.old_bytes,
                pack_stored(entry.stored),
            ]
            for entry in entries
        ]
    )


def journal_part(entries: Iterable[Entry]) -> bytes:
    """Return a part of a journal whose entries have no positions of a put's own."""
    packed = encode_entries(entries)
    return b"0 %d\n%b" % (len(packed), packed)


def decode_journal(journal: bytes, thread_id: str) -> list[Entry]:
    """Return the entries of a journal, oldest first.

    Raises:
        CorruptRecord: It is not one.
    """
    try:
        return list(_decode(journal))
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise CorruptRecord(
            f"the journal of thread {thread_id!r} cannot be read: {error}", thread_id=thread_id
        ) from error


def _decode(journal: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(journal):
        line = _LINE.match(journal, at)
        if line is None:
            raise ValueError("no line where a part begins")
        own, begin = int(line[1]), line.end()
        at = begin + int(line[2])
        packed: list[list[Any]] = ormsgpack.unpackb(memoryview(journal)[begin:at])
        for channel, time, old_items, old_bytes, stored in packed:
            yield Entry(
                decode_text(channel), time, old_items, old_bytes, unpack_stored(stored, own)
            )

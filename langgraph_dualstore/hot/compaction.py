"""Moving what is still referred to into a new log."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from operator import attrgetter

from langgraph_dualstore.errors import CorruptRecord
from langgraph_dualstore.hot.journal import Entry, journal_part
from langgraph_dualstore.hot.keys import encode_part
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import (
    Record,
    Run,
    Stored,
    encode_member,
    encode_record,
    merge_runs,
)

_start = attrgetter("start")


class Compaction:
    """A log that holds only what some records refer to.

    Args:
        thread_id: The thread, for errors.
        generation: The log's.
        records: The records whose bytes are kept.
        log: The log that they refer to.
        offset: How many bytes the new log will have in front of it.
        journal: Entries whose bytes are kept too.

    Raises:
        CorruptRecord: The log lacks what a record refers to.
    """

    def __init__(
        self,
        thread_id: str,
        generation: bytes,
        records: Iterable[Record],
        log: LogCopy,
        offset: int = 0,
        journal: Iterable[Entry] = (),
    ) -> None:
        referred: list[Run] = [run for entry in journal for run in entry.stored.runs]
        for record in records:
            runs = record.runs
            if runs and (record.generation.encode() != generation or log.read(runs) is None):
                raise _lacking(thread_id, record.checkpoint_id)
            referred += runs
        self._ranges = merge_runs(referred)
        self._moved: list[int] = []
        for kept in self._ranges:
            self._moved.append(offset)
            offset += kept.length
        kept_bytes = log.read(self._ranges)
        if kept_bytes is None:
            raise _lacking(thread_id)
        self.log = kept_bytes

    def member(self, tag: bytes, record: Record, generation: str) -> bytes:
        """Return a record's member as it reads in the new log's generation."""
        channels = {name: self.stored(stored) for name, stored in record.channels.items()}
        return member_of(tag, record._replace(generation=generation, channels=channels))

    def stored(self, stored: Stored) -> Stored:
        """Return where a value is in the new log."""
        return stored._replace(runs=tuple(map(self._move, stored.runs)))

    def journal(self, entries: Iterable[Entry]) -> bytes:
        """Return the journal of the new log."""
        moved = [entry._replace(stored=self.stored(entry.stored)) for entry in entries]
        return journal_part(moved) if moved else b""

    def _move(self, run: Run) -> Run:
        at = bisect_right(self._ranges, run.start, key=_start) - 1
        return Run(self._moved[at] + run.start - self._ranges[at].start, run.length)


def member_of(tag: bytes, record: Record) -> bytes:
    """Return the member of a record that appends nothing to the log itself."""
    rest = encode_record(
        parent=b"" if record.parent_id is None else encode_part(record.parent_id),
        checkpoint=record.checkpoint,
        metadata=record.metadata,
        run_id=record.run_id,
        channels=record.channels,
    )
    return encode_member(tag, record.address, record.generation, record.stamp, rest)


def _lacking(thread_id: str, checkpoint_id: str = "") -> CorruptRecord:
    return CorruptRecord(
        f"the log of thread {thread_id!r} lacks what a checkpoint refers to",
        thread_id=thread_id,
        checkpoint_id=checkpoint_id,
    )

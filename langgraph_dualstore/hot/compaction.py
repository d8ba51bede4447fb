"""Moving what is still referred to into a new log."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from operator import attrgetter

from langgraph_dualstore.errors import CorruptRecord
from langgraph_dualstore.hot.keys import encode_part
from langgraph_dualstore.hot.records import Record, Run, encode_member, encode_record, merge_runs

_start = attrgetter("start")


class Compaction:
    """A log that holds only what some records refer to.

    Args:
        thread_id: The thread, for errors.
        generation: The log's.
        records: The records whose bytes are kept.
        log: The log that they refer to.
        offset: How many bytes the new log will have in front of it.

    Raises:
        CorruptRecord: The log lacks what a record refers to.
    """

    def __init__(
        self,
        thread_id: str,
        generation: bytes,
        records: Iterable[Record],
        log: bytes,
        offset: int = 0,
    ) -> None:
        referred: list[Run] = []
        for record in records:
            runs = [run for stored in record.channels.values() for run in stored.runs]
            whole = record.generation.encode() == generation and record.end <= len(log)
            if runs and not whole:
                raise CorruptRecord(
                    f"the log of thread {thread_id!r} lacks what a checkpoint refers to",
                    thread_id=thread_id,
                    checkpoint_id=record.checkpoint_id,
                )
            referred += runs
        self._ranges = merge_runs(referred)
        self._moved: list[int] = []
        for kept in self._ranges:
            self._moved.append(offset)
            offset += kept.length
        self.log = b"".join(log[kept.start : kept.end] for kept in self._ranges)

    def member(self, tag: bytes, record: Record, generation: str) -> bytes:
        """Return a record's member as it reads in the new log's generation."""
        rest = encode_record(
            parent=b"" if record.parent_id is None else encode_part(record.parent_id),
            checkpoint=record.checkpoint,
            metadata=record.metadata,
            run_id=record.run_id,
            channels={
                name: stored._replace(runs=tuple(map(self._move, stored.runs)))
                for name, stored in record.channels.items()
            },
        )
        return encode_member(tag, record.address, generation, record.stamp, rest)

    def _move(self, run: Run) -> Run:
        at = bisect_right(self._ranges, run.start, key=_start) - 1
        return Run(self._moved[at] + run.start - self._ranges[at].start, run.length)

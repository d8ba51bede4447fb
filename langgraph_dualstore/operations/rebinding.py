"""Encrypting a thread anew for another thread, as ciphertext belongs to one thread only."""

from __future__ import annotations

from langgraph_dualstore.hot.compaction import member_of
from langgraph_dualstore.hot.journal import decode_journal, journal_part
from langgraph_dualstore.hot.keys import INDEX_LENGTH, split_address
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import (
    Record,
    Run,
    Stored,
    Typed,
    decode_record,
    decode_write,
    encode_write,
)
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.reader import evicted, undecodable
from langgraph_dualstore.operations.rewrite import Whole
from langgraph_dualstore.serialization import BoundSerializer


def rebound(context: Context, source_id: str, target_id: str, thread: Whole) -> Whole:
    """Return a whole thread as it is to be stored as another one.

    Raises:
        CorruptRecord: A value is not at hand, or not the source's.
    """
    source, target = context.codecs.bound(source_id), context.codecs.bound(target_id)
    if source is None or target is None:
        return thread
    rebinding = _Rebinding(source_id, source, target, thread)
    journal = [
        entry._replace(stored=rebinding.stored(entry.stored))
        for entry in decode_journal(thread.journal, source_id)
    ]
    return thread._replace(
        members=[rebinding.member(member) for member in thread.members],
        writes=[rebinding.write(member) for member in thread.writes],
        journal=journal_part(journal) if journal else b"",
        log=rebinding.log,
    )


class _Rebinding:
    """A thread's values on their way into another thread.

    A value in the log is encrypted once, however many checkpoints refer to it.
    """

    def __init__(
        self, thread_id: str, source: BoundSerializer, target: BoundSerializer, thread: Whole
    ) -> None:
        self._thread_id = thread_id
        self._source = source
        self._target = target
        self._generation = thread.generation.decode()
        self._old_log = LogCopy.whole(thread.log)
        self._new_log = bytearray()
        self._placed: dict[Stored, Stored] = {}

    @property
    def log(self) -> bytes:
        """The log that what was given out refers to."""
        return bytes(self._new_log)

    def member(self, member: bytes) -> bytes:
        """Return a checkpoint's member."""
        record = decode_record(member, self._thread_id)
        if record.generation != self._generation and record.runs:
            raise evicted(self._thread_id, record.checkpoint_id)
        return member_of(member[:1], self._record(record))

    def _record(self, record: Record) -> Record:
        return record._replace(
            checkpoint=self._typed(record.checkpoint, record.checkpoint_id),
            metadata=self._typed(record.metadata, record.checkpoint_id),
            channels={
                name: self.stored(stored, record.checkpoint_id)
                for name, stored in record.channels.items()
            },
        )

    def write(self, member: bytes) -> bytes:
        """Return a pending write's member."""
        write = decode_write(member, self._thread_id)
        place = member[: split_address(member, 3)[1] + INDEX_LENGTH]
        return place + encode_write(write.channel, self._typed(write.value), write.task_path)

    def stored(self, stored: Stored, checkpoint_id: str = "") -> Stored:
        """Return where a value is."""
        if stored.inline is not None:
            type_, data = self._typed((stored.type, stored.inline), checkpoint_id)
            return Stored(type_, inline=data)
        if stored not in self._placed:
            found = self._old_log.read(stored.runs)
            if found is None:
                raise evicted(self._thread_id, checkpoint_id)
            type_, data = self._typed((stored.type, found), checkpoint_id)
            run = Run(len(self._new_log), len(data))
            self._new_log += data
            self._placed[stored] = Stored(type_, runs=(run,))
        return self._placed[stored]

    def _typed(self, typed: Typed, checkpoint_id: str = "") -> Typed:
        try:
            value = self._source.open(typed)
        except Exception as error:
            raise undecodable(error, self._thread_id, checkpoint_id) from error
        return self._target.seal(value)

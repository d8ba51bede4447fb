"""Turning stored records into what the contract returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from langgraph.checkpoint.base import Checkpoint, CheckpointTuple, PendingWrite

from langgraph_dualstore.errors import CorruptRecord
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.memory import ThreadCopy
from langgraph_dualstore.hot.records import (
    Record,
    Run,
    Stored,
    StoredWrite,
    Typed,
    begins_with,
    decode_write,
)
from langgraph_dualstore.operations.context import Context, config_of
from langgraph_dualstore.serialization import Fingerprint, Revived

SharedLists = dict[int, tuple[tuple[Run, ...], list[Any]]]
"""Lists that were decoded and where they are, by the position at which they start."""


class Reader:
    """Turns records into checkpoint tuples.

    Args:
        context: The operation's.
        thread_id: The thread that is read.
        copy: Holds what the records refer to.
        shared: Decode a stretch of the log once and let the tuples share its elements,
            for reading many checkpoints of one thread in one generation of its log.

    Attributes:
        fingerprints: Of the lists of messages that were read, by where they are.
    """

    def __init__(
        self,
        context: Context,
        thread_id: str,
        copy: ThreadCopy,
        shared: SharedLists | None = None,
    ) -> None:
        self._codec = context.codecs.of(thread_id)
        self._thread_id = thread_id
        self._copy = copy
        self._shared = shared
        self.fingerprints: dict[tuple[Run, ...], Fingerprint] = {}

    @classmethod
    def of_log(cls, context: Context, thread_id: str, generation: str, log: LogCopy) -> Self:
        """Return a reader of records that refer to a log at hand."""
        copy = ThreadCopy(generation)
        copy.log = log
        return cls(context, thread_id, copy)

    def checkpoint(self, record: Record) -> Checkpoint:
        """Return a checkpoint without its values."""
        checkpoint: Checkpoint = self._loads(record.checkpoint, record.checkpoint_id)
        return checkpoint

    def metadata(self, record: Record) -> dict[str, Any]:
        """Return a checkpoint's metadata."""
        metadata: dict[str, Any] = self._loads(record.metadata, record.checkpoint_id)
        return metadata

    def checkpoint_tuple(
        self,
        record: Record,
        checkpoint: Checkpoint,
        writes: list[bytes],
        metadata: dict[str, Any] | None = None,
    ) -> CheckpointTuple:
        """Return the whole of a checkpoint; `checkpoint` is completed in place."""
        channels = record.channels
        place = (self._thread_id, record.namespace)
        checkpoint["channel_values"] = {
            name: self.value(record, channels[name])
            for name in checkpoint["channel_versions"]
            if name in channels
        }
        return CheckpointTuple(
            config=config_of(*place, record.checkpoint_id),
            checkpoint=checkpoint,
            metadata=self.metadata(record) if metadata is None else metadata,  # type: ignore[arg-type]
            parent_config=config_of(*place, record.parent_id) if record.parent_id else None,
            pending_writes=[self.write(write) for write in self.stored_writes(record, writes)],
        )

    def stored_writes(self, record: Record, members: list[bytes]) -> list[StoredWrite]:
        """Return a checkpoint's writes in the order in which live execution applies them.

        Source of the order: `langgraph.checkpoint.base.writes_sort_key`.
        """
        writes = [decode_write(member, self._thread_id, record.address) for member in members]
        if len(writes) > 1:
            writes.sort(key=_by_path)
        return writes

    def write(self, stored: StoredWrite) -> PendingWrite:
        """Return a pending write with its value."""
        return stored.task_id, stored.channel, self._loads(stored.value)

    def value(self, record: Record, stored: Stored) -> Any:
        """Return a channel's value.

        Raises:
            CorruptRecord: The log does not have it (any more), or it cannot be decoded.
        """
        if stored.inline is not None:
            return self._loads((stored.type, stored.inline), record.checkpoint_id)
        if stored.items is None:
            data = self._bytes(record, stored.runs)
            return self._loads((stored.type, data), record.checkpoint_id)
        if self._shared is None:
            return self._list(record, stored.items, stored.runs)
        return self._shared_list(record, stored.items, stored.runs, self._shared)

    def _shared_list(
        self, record: Record, items: int, runs: tuple[Run, ...], shared: SharedLists
    ) -> list[Any]:
        # An older version of a list that only grew is the beginning of the newer one,
        # which comes first where the newest do.
        held, elements = shared.get(runs[0].start, ((), []))
        if not begins_with(held, runs):
            elements = self._list(record, items, runs)
            shared[runs[0].start] = (runs, elements)
        return elements[:items]

    def _list(self, record: Record, items: int, runs: tuple[Run, ...]) -> list[Any]:
        elements, start = self._bytes(record, runs), runs[0].start
        try:
            value, fingerprint = self._codec.loads_list(elements, items, self._copy.revived(start))
        except Exception as error:
            raise undecodable(error, self._thread_id, record.checkpoint_id) from error
        if fingerprint is not None:
            self.fingerprints[runs] = fingerprint
            self._copy.note_revived(start, Revived(items, fingerprint))
        return value

    def _bytes(self, record: Record, runs: Sequence[Run]) -> bytes:
        data = None
        if record.generation == self._copy.generation:
            data = self._copy.log.read(runs)
        if data is None:
            raise evicted(self._thread_id, record.checkpoint_id)
        return data

    def _loads(self, typed: Typed, checkpoint_id: str = "") -> Any:
        try:
            return self._codec.loads(typed)
        except Exception as error:
            raise undecodable(error, self._thread_id, checkpoint_id) from error


def _by_path(write: StoredWrite) -> tuple[str, str, int]:
    return write.task_path, write.task_id, write.slot


def load(context: Context, thread_id: str, typed: Typed, checkpoint_id: str = "") -> Any:
    """Return a value of a thread.

    Raises:
        CorruptRecord: It cannot be decoded.
    """
    try:
        return context.codecs.of(thread_id).loads(typed)
    except Exception as error:
        raise undecodable(error, thread_id, checkpoint_id) from error


def load_checkpoint(context: Context, thread_id: str, record: Record) -> Any:
    """Return a checkpoint without its values, `None` if it was kept as an ancestor.

    Raises:
        CorruptRecord: It cannot be decoded.
    """
    return load(context, thread_id, record.checkpoint, record.checkpoint_id)


def load_metadata(context: Context, thread_id: str, record: Record) -> dict[str, Any]:
    """Return a checkpoint's metadata.

    Raises:
        CorruptRecord: It cannot be decoded.
    """
    metadata: dict[str, Any] = load(context, thread_id, record.metadata, record.checkpoint_id)
    return metadata


def undecodable(error: Exception, thread_id: str, checkpoint_id: str = "") -> CorruptRecord:
    """Return the error that says that a value of a thread cannot be decoded, and why."""
    return CorruptRecord(
        f"a value in thread {thread_id!r} cannot be decoded: {error}",
        thread_id=thread_id,
        checkpoint_id=checkpoint_id,
    )


def evicted(thread_id: str, checkpoint_id: str = "") -> CorruptRecord:
    """Return the error that says that the server threw a part of a thread away."""
    return CorruptRecord(
        f"a part of thread {thread_id!r} is gone; Redis evicts single keys unless its "
        "maxmemory-policy is noeviction",
        thread_id=thread_id,
        checkpoint_id=checkpoint_id,
    )

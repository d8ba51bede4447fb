"""Reading checkpoints: one, or many from the newest to the oldest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, CheckpointTuple, PendingWrite

from langgraph_dualstore._steps import Operation, RunScript
from langgraph_dualstore.errors import CorruptRecord
from langgraph_dualstore.hot.keys import AFTER, LISTED, ThreadKeys
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.memory import ThreadCopy, View
from langgraph_dualstore.hot.records import (
    Record,
    Run,
    Stored,
    StoredWrite,
    decode_record,
    decode_write,
)
from langgraph_dualstore.hot.scripts import READ
from langgraph_dualstore.operations.context import Context, Target, target_of


class Page(NamedTuple):
    """Checkpoints as they are stored, newest first within a namespace.

    Attributes:
        members: The checkpoints.
        writes: The pending writes of each.
        copy: Holds everything in the log that they refer to.
    """

    members: list[bytes]
    writes: list[list[bytes]]
    copy: ThreadCopy


def get_tuple(context: Context, config: RunnableConfig) -> Operation[CheckpointTuple | None]:
    """Return the checkpoint a config points at, or the newest; `None` if there is none."""
    target = target_of(config)
    keys = context.keys(target.thread_id)
    page = yield from read_one(context, keys, target, target.checkpoint_id)
    if page is None:
        return None
    record = decode_record(page.members[0], target.thread_id)
    copy = page.copy
    reader = Reader(context, target.thread_id, copy.log)
    checkpoint = reader.checkpoint(record)
    copy.remember(view_of(record, checkpoint["channel_versions"]))
    context.memory.keep(keys.head, copy)
    return reader.checkpoint_tuple(record, checkpoint, page.writes[0])


def read_one(
    context: Context, keys: ThreadKeys, target: Target, checkpoint_id: str | None
) -> Operation[Page | None]:
    """Fetch a checkpoint of the target's namespace, the newest for `None`."""
    address = target.space if checkpoint_id is None else target.address(checkpoint_id)
    least = b"[" + LISTED + address
    page = yield from read_page(context, keys, least + AFTER, least, 1)
    return page if page and page.members else None


def read_page(
    context: Context, keys: ThreadKeys, greatest: bytes, least: bytes, limit: int
) -> Operation[Page | None]:
    """Fetch up to `limit` checkpoints of an interval, `None` if the thread is absent."""
    copy = context.memory.get(keys.head)
    newest = copy.newest if copy else None
    known: tuple[bytes | str | int, ...] = ("", "", 0, 0)
    if copy and newest:
        known = (copy.generation, newest.proof, *copy.log.largest())
    refresh = "1" if context.settings.refresh_on_read else ""
    reply = yield RunScript(READ, keys, (greatest, least, limit, *known, refresh, context.ttl))
    if reply is None:
        context.memory.forget(keys.head)
        return None
    generation, proven, members, writes, parts = reply
    if copy is None or not proven:
        copy = ThreadCopy(generation.decode())
    for start, data in zip(parts[::2], parts[1::2], strict=True):
        copy.log.add(int(start), data)
    return Page(members, writes, copy)


def find_view(
    context: Context, keys: ThreadKeys, target: Target, checkpoint_id: str
) -> Operation[tuple[ThreadCopy, View] | None]:
    """Learn of a stored checkpoint without decoding its values."""
    page = yield from read_one(context, keys, target, checkpoint_id)
    if page is None:
        return None
    record = decode_record(page.members[0], target.thread_id)
    versions = context.codec.loads(record.checkpoint)["channel_versions"]
    view = view_of(record, versions)
    page.copy.remember(view)
    context.memory.keep(keys.head, page.copy)
    return page.copy, view


def find_versions(
    context: Context,
    keys: ThreadKeys,
    target: Target,
    missing: Mapping[str, Any],
    parent: View | None,
) -> Operation[tuple[ThreadCopy, View] | None]:
    """Look through a whole namespace for the values of channel versions.

    Returns:
        The parent's view with what was found added to it.
    """
    least = b"[" + LISTED + target.space
    page = yield from read_page(context, keys, least + AFTER, least, -1)
    if page is None or not page.members:
        return None
    versions = dict(parent.versions) if parent else {}
    channels = dict(parent.channels) if parent else {}
    fingerprints = dict(parent.fingerprints) if parent else {}
    wanted = dict(missing)
    for member in page.members:
        record = decode_record(member, target.thread_id)
        stored_versions = context.codec.loads(record.checkpoint)["channel_versions"]
        page.copy.remember(view_of(record, stored_versions))
        for name in [n for n, v in wanted.items() if stored_versions.get(n) == v]:
            versions[name] = wanted.pop(name)
            fingerprints.pop(name, None)
            channels.pop(name, None)
            if name in record.channels:
                channels[name] = record.channels[name]
    context.memory.keep(keys.head, page.copy)
    newest = page.copy.newest
    if newest is None:
        return None
    return page.copy, View(
        newest.address, newest.proof, newest.end, versions, channels, fingerprints
    )


def view_of(record: Record, versions: Mapping[str, Any]) -> View:
    """Return what the next put needs to know of a stored checkpoint."""
    return View(record.address, record.proof, record.end, versions, record.channels, {})


SharedLists = dict[int, tuple[tuple[Run, ...], list[Any]]]
"""Lists that were decoded and where they are, by the position at which they start."""


class Reader:
    """Turns records into checkpoint tuples.

    Args:
        context: The operation's.
        thread_id: The thread that is read.
        log: Holds what the records refer to.
        shared: Decode a stretch of the log once and let the tuples share its elements,
            for reading many checkpoints of one thread in one generation of its log.
    """

    def __init__(
        self,
        context: Context,
        thread_id: str,
        log: LogCopy,
        shared: SharedLists | None = None,
    ) -> None:
        self._codec = context.codec
        self._thread_id = thread_id
        self._log = log
        self._shared = shared

    def checkpoint(self, record: Record) -> Checkpoint:
        """Return a checkpoint without its values."""
        checkpoint: Checkpoint = self._codec.loads(record.checkpoint)
        return checkpoint

    def metadata(self, record: Record) -> dict[str, Any]:
        """Return a checkpoint's metadata."""
        metadata: dict[str, Any] = self._codec.loads(record.metadata)
        return metadata

    def checkpoint_tuple(
        self,
        record: Record,
        checkpoint: Checkpoint,
        writes: list[bytes],
        metadata: dict[str, Any] | None = None,
    ) -> CheckpointTuple:
        """Return the whole of a checkpoint; `checkpoint` is completed in place."""
        target = Target(self._thread_id, record.namespace, None)
        channels = record.channels
        checkpoint["channel_values"] = {
            name: self.value(record, channels[name])
            for name in checkpoint["channel_versions"]
            if name in channels
        }
        return CheckpointTuple(
            config=target.config(record.checkpoint_id),
            checkpoint=checkpoint,
            metadata=self.metadata(record) if metadata is None else metadata,  # type: ignore[arg-type]
            parent_config=None if record.parent_id is None else target.config(record.parent_id),
            pending_writes=[self.write(write) for write in self.stored_writes(writes)],
        )

    def stored_writes(self, members: list[bytes]) -> list[StoredWrite]:
        """Return pending writes in the order in which live execution applies them.

        Source of the order: `langgraph.checkpoint.base.writes_sort_key`.
        """
        writes = [decode_write(member, self._thread_id) for member in members]
        writes.sort(key=lambda write: (write.task_path, write.task_id, write.slot))
        return writes

    def write(self, stored: StoredWrite) -> PendingWrite:
        """Return a pending write with its value."""
        return stored.task_id, stored.channel, self._codec.loads(stored.value)

    def value(self, record: Record, stored: Stored) -> Any:
        """Return a channel's value.

        Raises:
            CorruptRecord: The log does not have it (any more).
        """
        if stored.inline is not None:
            return self._codec.loads((stored.type, stored.inline))
        if stored.items is not None and self._shared is not None:
            return self._shared_list(record, stored.items, stored.runs, self._shared)
        data = self._bytes(record, stored.runs)
        if stored.items is None:
            return self._codec.loads((stored.type, data))
        return self._codec.loads_list(stored.items, data)

    def _shared_list(
        self, record: Record, items: int, runs: tuple[Run, ...], shared: SharedLists
    ) -> list[Any]:
        # An older version of a list that only grew is the beginning of the newer one,
        # which comes first where the newest do.
        held, elements = shared.get(runs[0].start, ((), []))
        if not _begins_with(held, runs):
            elements = self._codec.loads_list(items, self._bytes(record, runs))
            shared[runs[0].start] = (runs, elements)
        return elements[:items]

    def _bytes(self, record: Record, runs: Sequence[Run]) -> bytes:
        data = self._log.read(runs)
        if data is None:
            raise CorruptRecord(
                f"the log of thread {self._thread_id!r} lacks what checkpoint "
                f"{record.checkpoint_id!r} refers to; Redis evicts keys unless "
                "maxmemory-policy is noeviction",
                thread_id=self._thread_id,
                checkpoint_id=record.checkpoint_id,
            )
        return data


def _begins_with(longer: tuple[Run, ...], runs: tuple[Run, ...]) -> bool:
    last = len(runs) - 1
    return (
        last < len(longer)
        and runs[:last] == longer[:last]
        and runs[last].start == longer[last].start
        and runs[last].length <= longer[last].length
    )

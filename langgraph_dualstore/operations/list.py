"""Listing checkpoints, newest first, without holding a long history at once."""

from __future__ import annotations

from bisect import insort
from collections import deque
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple, get_checkpoint_id

from langgraph_dualstore._steps import Operation, RunScript
from langgraph_dualstore.hot.keys import (
    LISTED,
    encode_part,
    members_from,
    split_address,
)
from langgraph_dualstore.hot.records import Record
from langgraph_dualstore.hot.scripts import NEWEST
from langgraph_dualstore.operations.context import Context, target_of
from langgraph_dualstore.operations.find import find_threads
from langgraph_dualstore.operations.read import read_page
from langgraph_dualstore.operations.reader import Reader, SharedLists
from langgraph_dualstore.operations.restore import restore_if_absent

_BATCH = 250
"""How many checkpoints a step fetches, and a batch holds, at most."""

_BATCH_OF_MANY = 16
"""The same where many namespaces or threads are merged, each with a batch in hand."""


class _Item(NamedTuple):
    """A stored checkpoint and what decodes it."""

    record: Record
    writes: list[bytes]
    reader: Reader


class _Source:
    """The checkpoints of one namespace of a thread, newest first, fetched as needed."""

    def __init__(self, thread_id: str, greatest: bytes, least: bytes, batch: int) -> None:
        self._thread_id = thread_id
        self._greatest = greatest
        self._least = least
        self._batch = batch
        self._items: deque[_Item] = deque()
        self._exhausted = False
        self._generation = ""
        self._shared: SharedLists = {}

    def next(self, context: Context) -> Operation[_Item | None]:
        """Return the next checkpoint, `None` after the last."""
        if not self._items and not self._exhausted:
            yield from self._fetch(context)
        return self._items.popleft() if self._items else None

    def _fetch(self, context: Context) -> Operation[None]:
        keys = context.keys(self._thread_id)
        interval = (self._greatest, self._least)
        page = yield from read_page(context, keys, self._thread_id, interval, self._batch)
        self._exhausted = page is None or len(page.records) < self._batch
        if page is None or not page.records:
            return
        if page.copy.generation != self._generation:
            self._generation, self._shared = page.copy.generation, {}
        reader = Reader(context, self._thread_id, page.copy, self._shared)
        for record, writes in zip(page.records, page.writes, strict=True):
            self._items.append(_Item(record, writes, reader))
        self._greatest = b"(" + LISTED + self._items[-1].record.address


_Entry = tuple[str, int, _Source, _Item | None]
"""A source by the id of its next checkpoint, which is fetched already or not yet."""


class Listing:
    """One call of `list`: fetches in batches, merges namespaces and threads by id.

    The tuples of one listing share message objects, those of two never do: a message
    that stands in two hundred checkpoints is decoded once.

    Args:
        context: The operation's.
        config: Whose checkpoints; without a namespace those of all namespaces, `None`
            for all threads.
        filter: What the metadata must be equal to, key by key.
        before: Only checkpoints whose id is less than this config's.
        limit: How many at most, `None` for all.
    """

    def __init__(
        self,
        context: Context,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None,  # noqa: A002 - the contract's name
        before: RunnableConfig | None,
        limit: int | None,
    ) -> None:
        self._context = context
        self._target = target_of(config) if config else None
        self._namespace = config["configurable"].get("checkpoint_ns") if config else None
        self._filter = filter or {}
        self._before = (get_checkpoint_id(before) or None) if before else None
        self._left = limit
        self._entries: list[_Entry] | None = None  # the newest last

    def next_batch(self) -> Operation[list[CheckpointTuple] | None]:
        """Return some of the checkpoints, `None` after the last."""
        first = self._entries is None
        if first:
            self._entries = yield from self._open()
        batch = yield from self._next_batch()
        if first and not batch and self._target is not None:
            thread_id = self._target.thread_id
            while not batch and (yield from restore_if_absent(self._context, thread_id)):
                self._entries = yield from self._open()
                batch = yield from self._next_batch()
        return batch or None

    def _next_batch(self) -> Operation[list[CheckpointTuple]]:
        batch: list[CheckpointTuple] = []
        while self._entries and len(batch) < _BATCH and (self._left is None or self._left > 0):
            _, order, source, item = self._entries.pop()
            if item is not None:
                self._emit(item, batch)
                if self._left == 0:
                    break
            following = yield from source.next(self._context)
            if following is not None:
                entry = (following.record.checkpoint_id, order, source, following)
                insort(self._entries, entry, key=_by_id)
        return batch

    def _emit(self, item: _Item, batch: list[CheckpointTuple]) -> None:
        metadata = item.reader.metadata(item.record)
        if all(metadata.get(key) == value for key, value in self._filter.items()):
            checkpoint = item.reader.checkpoint(item.record)
            batch.append(
                item.reader.checkpoint_tuple(item.record, checkpoint, item.writes, metadata)
            )
            if self._left is not None:
                self._left -= 1

    def _open(self) -> Operation[list[_Entry]]:
        if self._target is None:
            thread_ids = yield from find_threads(self._context)
        else:
            thread_ids = [self._target.thread_id]
            if self._namespace is not None:
                batch = _BATCH if self._filter or self._left is None else min(_BATCH, self._left)
                bounds = self._bounds(encode_part(self._namespace))
                return [("", 0, _Source(thread_ids[0], *bounds, batch), None)]
        entries: list[_Entry] = []
        bound = b"" if self._before is None else encode_part(self._before)[:-1]
        for thread_id in thread_ids:
            keys = self._context.keys(thread_id)
            found = yield RunScript(NEWEST, keys, (bound,))
            for space, newest in zip(found[::2], found[1::2], strict=True):
                source = _Source(thread_id, *self._bounds(space), _BATCH_OF_MANY)
                newest_id = split_address(newest, 1)[0][0]
                entries.append((newest_id, len(entries), source, None))
        return sorted(entries, key=_by_id)

    def _bounds(self, space: bytes) -> tuple[bytes, bytes]:
        """Return the greatest and the least member wanted of a namespace."""
        start = LISTED + space
        if self._target is not None and self._target.checkpoint_id is not None:
            if self._before is not None and self._target.checkpoint_id >= self._before:
                return b"-", b"+"  # an empty interval
            return members_from(start + encode_part(self._target.checkpoint_id))
        if self._before is not None:
            return b"(" + start + encode_part(self._before)[:-1], b"[" + start
        return members_from(start)


def _by_id(entry: _Entry) -> tuple[str, int]:
    return entry[0], entry[1]

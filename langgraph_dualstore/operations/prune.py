"""Removing old checkpoints without breaking what is rebuilt from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from langgraph_dualstore._steps import Operation
from langgraph_dualstore.errors import ConfigurationError, HotStoreError
from langgraph_dualstore.hot.compaction import Compaction
from langgraph_dualstore.hot.journal import decode_journal
from langgraph_dualstore.hot.keys import (
    ANCESTOR,
    LISTED,
    ThreadKeys,
    as_thread_id,
    split_address,
    starts_with_address,
)
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Record, Typed, decode_record, decode_write
from langgraph_dualstore.operations.context import Context, as_names, new_generation
from langgraph_dualstore.operations.delete import delete_thread
from langgraph_dualstore.operations.reader import load_checkpoint, load_metadata
from langgraph_dualstore.operations.rewrite import ATTEMPTS, dump, replace

# Channels that LangGraph itself empties once they are consumed; they have a version and
# no value without being delta channels.
_CONSUMED = ("__", "branch:", "join:")


def prune(context: Context, thread_ids: Sequence[str], strategy: str) -> Operation[None]:
    """Remove all but the newest checkpoint of each namespace, or all.

    Raises:
        ConfigurationError: The strategy is neither `"keep_latest"` nor `"delete"`.
        HotStoreError: A thread was written to in each of ten attempts.
    """
    if strategy not in ("keep_latest", "delete"):
        raise ConfigurationError(f'prune strategy {strategy!r} is not "keep_latest" or "delete"')
    for thread_id in map(as_thread_id, as_names("thread_ids", thread_ids)):
        if strategy == "delete":
            yield from delete_thread(context, thread_id)
        elif not (yield from prune_thread(context, context.keys(thread_id), thread_id, 1)):
            raise HotStoreError(f"thread {thread_id!r} is written to all the time; prune it later")


def prune_thread(
    context: Context, keys: ThreadKeys, thread_id: str, keep: int, attempts: int = ATTEMPTS
) -> Operation[bool]:
    """Keep the newest `keep` checkpoints of each namespace and what they are rebuilt from.

    Returns:
        Whether it was done; not if the thread was written to in each of the attempts.
    """
    for _ in range(attempts):
        seen = yield from dump(keys)
        if seen is None:
            return True
        members = decode_members(thread_id, seen.members)
        content = select(context, thread_id, members, seen.writes, keep)
        journal = decode_journal(seen.journal, thread_id)
        generation = new_generation()
        compaction = Compaction(
            thread_id,
            seen.generation,
            [*content.listed, *content.ancestors],
            LogCopy.whole(seen.log),
            journal=journal,
        )
        replaced = yield from replace(
            context,
            keys,
            seen,
            generation=generation,
            log=compaction.log,
            delta=content.rebuilt,
            members=[
                compaction.member(tag, record, generation)
                for tag, records in ((LISTED, content.listed), (ANCESTOR, content.ancestors))
                for record in records
            ],
            writes=content.writes,
            journal=compaction.journal(journal),
        )
        if replaced:
            return True
    return False


def needs_ancestors(
    versions: Iterable[str], values: Container[str], metadata: Mapping[str, Any]
) -> bool:
    """Tell whether a checkpoint may have channels that are rebuilt from its ancestors."""
    return next(delta_channels(versions, values, metadata), None) is not None


def delta_channels(
    versions: Iterable[str], values: Container[str], metadata: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the channels of a checkpoint that may be rebuilt from its ancestors.

    LangGraph counts the steps since each delta channel's last snapshot. Where nothing is
    counted, a channel that has a version but no value may be one. Source:
    `counters_since_delta_snapshot` in `CheckpointMetadata`, and the note on delta
    channels at `BaseCheckpointSaver.prune`.
    """
    counted = metadata.get("counters_since_delta_snapshot")
    for name in counted or versions:
        if name not in values and not name.startswith(_CONSUMED):
            yield name


class Content(NamedTuple):
    """What is kept of a thread.

    Attributes:
        listed: The checkpoints that can be read.
        ancestors: Those that are kept only to rebuild channels of the others.
        writes: The writes of both.
        rebuilt: Whether any channel is rebuilt from ancestors, listed or not.
    """

    listed: list[Record]
    ancestors: list[Record]
    writes: list[bytes]
    rebuilt: bool

    @property
    def root(self) -> Record | None:
        """The root graph's newest checkpoint, `None` if it has none."""
        roots = [record for record in self.listed if not record.namespace]
        return max(roots, key=_id_of, default=None)

    @property
    def newest(self) -> Record | None:
        """The same, or another graph's newest if the root graph has none."""
        return self.root or max(self.listed, key=_id_of, default=None)

    def writes_of(self, record: Record) -> list[bytes]:
        """Return a checkpoint's writes."""
        return [write for write in self.writes if starts_with_address(write, record.address)]


_id_of = attrgetter("checkpoint_id")

_Place = tuple[str, str]
"""A namespace and a checkpoint id."""


class Member(NamedTuple):
    """A checkpoint, and whether it can be read or is kept as an ancestor only."""

    record: Record
    listed: bool


def decode_members(thread_id: str, members: Iterable[bytes]) -> list[Member]:
    """Return a thread's checkpoints: ancestors before listed ones, older before newer.

    Raises:
        CorruptRecord: One of them is none.
    """
    return [Member(decode_record(m, thread_id), m.startswith(LISTED)) for m in members]


def select(
    context: Context,
    thread_id: str,
    members: Iterable[Member],
    writes: Iterable[bytes],
    keep: int | None,
) -> Content:
    """Return the newest `keep` checkpoints of each namespace, `None` for all, and their like.

    Their like are the ancestors that delta channels of theirs are rebuilt from.

    Args:
        context: The operation's.
        thread_id: The thread.
        members: Its checkpoints, in order.
        writes: Their writes.
        keep: How many.
    """
    stored: dict[_Place, Record] = {}
    spaces: defaultdict[str, list[Record]] = defaultdict(list)
    for record, listed_ in members:
        stored[record.namespace, record.checkpoint_id] = record
        if listed_:
            spaces[record.namespace].append(record)
    writes_of: defaultdict[_Place, list[bytes]] = defaultdict(list)
    for write in writes:
        namespace, checkpoint_id = split_address(write, 2)[0]
        writes_of[namespace, checkpoint_id].append(write)

    listed = [record for records in spaces.values() for record in records[-(keep or 0) :]]
    newest = {space: records[-1].checkpoint_id for space, records in spaces.items()}
    kept_places = {(record.namespace, record.checkpoint_id) for record in listed}
    kept_writes = [
        write
        for place, of_place in writes_of.items()
        # Writes may arrive before their checkpoint does.
        if place in kept_places or (place not in stored and place[1] >= newest.get(place[0], ""))
        for write in of_place
    ]

    ancestors: list[Record] = []
    channels_of = _ancestors_needed(context, thread_id, listed, stored, writes_of)
    if not channels_of:
        return Content(listed, ancestors, kept_writes, rebuilt=False)
    nothing = context.codecs.of(thread_id).dumps(None)
    for place, channels in channels_of.items():
        if place not in kept_places:
            ancestors.append(_stripped(stored[place], channels, nothing))
            kept_writes += [
                write
                for write in writes_of[place]
                if decode_write(write, thread_id).channel in channels
            ]
    return Content(listed, ancestors, kept_writes, rebuilt=True)


def _ancestors_needed(
    context: Context,
    thread_id: str,
    listed: list[Record],
    stored: Mapping[_Place, Record],
    writes_of: Mapping[_Place, list[bytes]],
) -> dict[_Place, set[str]]:
    """Return the ancestors from which delta channels are rebuilt, and which channels."""
    needed: defaultdict[_Place, set[str]] = defaultdict(set)
    for record in listed:
        versions = _versions(context, thread_id, record)
        metadata = load_metadata(context, thread_id, record)
        remaining = set(delta_channels(versions, record.channels, metadata))
        written: set[str] = set()
        # Links of the chain that are kept only if something is found further up.
        links: list[tuple[_Place, set[str]]] = []
        seen: set[_Place] = set()
        place = _parent_of(record)
        while remaining and place in stored and place not in seen:
            seen.add(place)
            ancestor = stored[place]
            here = {decode_write(w, thread_id).channel for w in writes_of.get(place, ())}
            written |= here
            seeds = remaining & ancestor.channels.keys()
            # A value of another version with no write since was not the start of a delta
            # channel: the channel was emptied.
            then = _versions(context, thread_id, ancestor)
            emptied = {
                name
                for name in seeds - written
                if name in then and then[name] != versions.get(name)
            }
            remaining -= emptied
            links.append((place, set(remaining)))
            if remaining & (seeds | here):
                for link, channels in links:
                    needed[link] |= channels
                links.clear()
            remaining -= seeds
            place = _parent_of(ancestor)
    return dict(needed)


def _versions(context: Context, thread_id: str, record: Record) -> dict[str, Any]:
    """Return a checkpoint's channel versions, none if it was kept as an ancestor."""
    versions: dict[str, Any] = (load_checkpoint(context, thread_id, record) or {}).get(
        "channel_versions", {}
    )
    return versions


def _parent_of(record: Record) -> _Place:
    return record.namespace, record.parent_id or ""


def _stripped(record: Record, channels: Container[str], nothing: Typed) -> Record:
    return record._replace(
        checkpoint=nothing,
        metadata=nothing,
        channels={name: value for name, value in record.channels.items() if name in channels},
    )

"""Reading checkpoints: one, or many from the newest to the oldest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple

from langgraph_dualstore._steps import Operation, RunScript
from langgraph_dualstore.hot.keys import LISTED, ThreadKeys, members_from, starts_with_address
from langgraph_dualstore.hot.memory import Proof, ThreadCopy, View
from langgraph_dualstore.hot.records import Record, decode_record
from langgraph_dualstore.hot.scripts import READ
from langgraph_dualstore.operations.context import Context, Target, target_of
from langgraph_dualstore.operations.reader import Reader, evicted
from langgraph_dualstore.operations.restore import restore_missing


class Page(NamedTuple):
    """Checkpoints as they are stored, newest first within a namespace.

    Attributes:
        records: The checkpoints.
        writes: The pending writes of each.
        copy: Holds everything in the log that they refer to.
    """

    records: list[Record]
    writes: list[list[bytes]]
    copy: ThreadCopy


def get_tuple(context: Context, config: RunnableConfig) -> Operation[CheckpointTuple | None]:
    """Return the checkpoint a config points at, or the newest; `None` if there is none."""
    target = target_of(config)
    keys = context.keys(target.thread_id)
    page = yield from read_one(context, keys, target, target.checkpoint_id)
    # Again, if it is evicted as soon as it is restored.
    while page is None and (yield from restore_missing(context, target.thread_id)):
        page = yield from read_one(context, keys, target, target.checkpoint_id)
    if page is None or not page.records:
        return None
    record, copy = page.records[0], page.copy
    reader = Reader(context, target.thread_id, copy)
    checkpoint = reader.checkpoint(record)
    found = reader.checkpoint_tuple(record, checkpoint, page.writes[0])
    view = view_of(record, checkpoint["channel_versions"], copy)
    fingerprints = {
        name: reader.fingerprints[stored.runs]
        for name, stored in view.channels.items()
        if stored.runs in reader.fingerprints
    }
    copy.remember(view._replace(fingerprints=fingerprints))
    context.memory.keep(keys.head, copy)
    return found


def read_one(
    context: Context, keys: ThreadKeys, target: Target, checkpoint_id: str | None
) -> Operation[Page | None]:
    """Fetch a checkpoint of the target's namespace, the newest for `None`.

    Returns:
        A page of that one or of none; `None` if the thread is absent.
    """
    address = target.space if checkpoint_id is None else target.address(checkpoint_id)
    interval = members_from(LISTED + address)
    return (yield from read_page(context, keys, target.thread_id, interval, 1))


def read_page(
    context: Context,
    keys: ThreadKeys,
    thread_id: str,
    interval: tuple[bytes, bytes],
    limit: int,
) -> Operation[Page | None]:
    """Fetch up to `limit` checkpoints, `None` if the thread is absent.

    Args:
        context: The operation's.
        keys: The thread's.
        thread_id: The thread.
        interval: The greatest and the least member wanted, as ZREVRANGEBYLEX takes them.
        limit: How many at most, -1 for all.

    Raises:
        CorruptRecord: The server evicted a part of the thread, or holds no record.
    """
    copy = context.memory.get(keys.head)
    held = copy.held() if copy else None
    refresh = "1" if context.settings.refresh_on_read else ""
    known = held or ("", b"", 0, 0)
    reply = yield RunScript(READ, keys, (*interval, limit, *known, refresh, context.ttl))
    if not reply:
        context.memory.forget(keys.head)
        if reply is not None:
            raise evicted(thread_id)
        return None
    generation, proven, members, writes, parts = reply
    if copy is None or not proven:
        copy = ThreadCopy(generation.decode())
    records = [decode_record(member, thread_id) for member in members]
    # A record that refers to another generation's log proves nothing of this one's.
    proving = [record for record in records if record.generation == copy.generation]
    if proving:
        newest = max(proving, key=_end)
        positions = map(int, parts[::2])
        copy.learn(zip(positions, parts[1::2], strict=True), Proof(newest.proof, newest.end))
    return Page(records, _sorted_out(writes, records), copy)


def _sorted_out(writes: list[bytes], records: list[Record]) -> list[list[bytes]]:
    """Return each record's writes; both are in order, the records from the newest."""
    found: list[list[bytes]] = []
    at, end = 0, len(writes)
    for record in reversed(records):
        address, own = record.address, []
        while at < end and writes[at] < address:
            at += 1
        while at < end and starts_with_address(writes[at], address):
            own.append(writes[at])
            at += 1
        found.append(own)
    found.reverse()
    return found


def _end(record: Record) -> int:
    return record.end


def find_view(
    context: Context, keys: ThreadKeys, target: Target, checkpoint_id: str
) -> Operation[tuple[ThreadCopy, View] | None]:
    """Learn of a stored checkpoint without decoding its values."""
    page = yield from read_one(context, keys, target, checkpoint_id)
    if page is None or not page.records:
        return None
    record, copy = page.records[0], page.copy
    versions = Reader(context, target.thread_id, copy).checkpoint(record)["channel_versions"]
    view = view_of(record, versions, copy)
    copy.remember(view)
    context.memory.keep(keys.head, copy)
    return copy, view


def find_versions(
    context: Context,
    keys: ThreadKeys,
    target: Target,
    missing: Mapping[str, Any],
) -> Operation[tuple[ThreadCopy, View] | None]:
    """Look through a namespace for the values of channel versions that a put leaves out.

    The parents come first. A version that other branches have is taken only if they
    agree on where its value is: two forks may use one version for two values.

    Returns:
        The parent's view, as it is stored now, with what was found added to it.
    """
    interval = members_from(LISTED + target.space)
    page = yield from read_page(context, keys, target.thread_id, interval, -1)
    if page is None or not page.records:
        return None
    reader = Reader(context, target.thread_id, page.copy)
    views = {
        record.checkpoint_id: view_of(
            record, reader.checkpoint(record)["channel_versions"], page.copy
        )
        for record in page.records
    }
    parents = {record.checkpoint_id: record.parent_id for record in page.records}
    line: list[View] = []
    at = target.checkpoint_id
    while at in views:
        line.append(views[at])
        at = parents.pop(at)
    parent = line[0] if line else View(b"", b"", {}, {}, {})
    versions, channels = dict(parent.versions), dict(parent.channels)
    for name, version in missing.items():
        same = [view for view in line if view.versions.get(name) == version][:1] or [
            view for view in views.values() if view.versions.get(name) == version
        ]
        places = {view.channels.get(name) for view in same}
        if len(places) == 1:
            versions[name] = version
            channels.pop(name, None)
            if (stored := places.pop()) is not None:
                channels[name] = stored
    context.memory.keep(keys.head, page.copy)
    return page.copy, parent._replace(versions=versions, channels=channels)


def view_of(record: Record, versions: Mapping[str, Any], copy: ThreadCopy) -> View:
    """Return what the next put needs to know of a stored checkpoint.

    What it refers to in another generation's log is gone, and so not known.
    """
    gone = set()
    if record.generation != copy.generation:
        gone = {name for name, stored in record.channels.items() if stored.runs}
    return View(
        record.address,
        record.proof,
        {name: version for name, version in versions.items() if name not in gone},
        {name: stored for name, stored in record.channels.items() if name not in gone},
        {},
    )

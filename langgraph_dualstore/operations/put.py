"""Storing a checkpoint: one round trip, and only what is new in it."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_metadata,
)

from langgraph_dualstore._steps import Argument, Due, Operation, RunScript, queue_first
from langgraph_dualstore.errors import CorruptRecord, DualStoreError
from langgraph_dualstore.hot.journal import NO_JOURNAL, encode_entries, entry_of
from langgraph_dualstore.hot.keys import ThreadKeys, encode_part
from langgraph_dualstore.hot.memory import Proof, ThreadCopy, View
from langgraph_dualstore.hot.messagelog import Appendix, Known, keep, place
from langgraph_dualstore.hot.records import Stored, Typed, encode_record, make_proof, resolve_runs
from langgraph_dualstore.hot.scripts import PUT
from langgraph_dualstore.operations.archive import archive_now
from langgraph_dualstore.operations.context import (
    Context,
    Target,
    due_arguments,
    new_generation,
    new_stamp,
    target_of,
)
from langgraph_dualstore.operations.finish import is_finished, leaves_nothing
from langgraph_dualstore.operations.prune import needs_ancestors, prune_thread
from langgraph_dualstore.operations.read import find_versions, find_view
from langgraph_dualstore.operations.restore import ATTEMPTS, bring_back, gone_again
from langgraph_dualstore.operations.transcripts import is_transcript
from langgraph_dualstore.serialization import Codec, Fingerprint

_logger = logging.getLogger(__name__)

_ANCESTORS_TO_TIDY = 32
_BYTES_TO_TIDY = 1024 * 1024

_PLANNED = 2
"""How often a put is planned on what is stored, before it is put whole."""

_ABSENT = object()


class _Base(NamedTuple):
    """What a put builds on.

    Attributes:
        copy: What this process holds of the thread, `None` if nothing is proven.
        view: The parent checkpoint, `None` if there is none or it is not stored.
        new: Whether neither tier had the thread when both were asked.
    """

    copy: ThreadCopy | None = None
    view: View | None = None
    new: bool = False


class _Plan(NamedTuple):
    """Where a checkpoint's values go.

    Attributes:
        stamp: What marks the record as this one.
        appended: The bytes to append to the log.
        channels: Where each value will be, the new ones at positions of the put's own.
        fingerprints: Of the lists of messages among them.
        saved: How many bytes of new values are stored already.
    """

    stamp: str
    appended: bytes
    channels: dict[str, Stored]
    fingerprints: dict[str, Fingerprint]
    saved: int


def put(
    context: Context,
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    new_versions: ChannelVersions,
) -> Operation[RunnableConfig]:
    """Store a checkpoint under the config's checkpoint as its parent.

    What this process believes to be stored may be gone. The script finds that out before
    it writes anything; the put is then planned on what is stored now, and at last on
    nothing, which can only be refused if the thread is gone and the archive has it.
    """
    target = target_of(config)
    keys = context.keys(target.thread_id)
    merged: dict[str, Any] = dict(get_checkpoint_metadata(config, metadata))
    codec = context.codecs.of(target.thread_id)
    serialized = _serialize(codec, checkpoint, merged)
    finished = _finishes(context, target, checkpoint, merged)
    soon = finished or context.settings.archive_on == "checkpoint"
    due = context.due(target.thread_id, soon=soon)
    base = _remembered_base(context, keys, target)
    goes_on = _goes_on(context, target)
    for attempt in range(ATTEMPTS):
        if attempt < _PLANNED:
            base = yield from _complete(context, keys, target, checkpoint, new_versions, base)
        elif goes_on:
            base = _Base(new=not (yield from bring_back(context, target.thread_id)))
        plan = _plan(codec, checkpoint, new_versions, base)
        arguments = _arguments(context, target, checkpoint, serialized, base, plan, due)
        only_there = "1" if goes_on and not base.new else ""
        reply = yield RunScript(PUT, keys, (*arguments, only_there), due)
        if reply is not None:
            break
        context.memory.forget(keys.head)
        context.counters.repeated_puts += 1
        base = _Base()
    else:
        raise gone_again(target.thread_id)
    context.counters.puts += 1
    context.counters.bytes_saved += plan.saved
    _remember(context, keys, target, checkpoint, base, plan, reply)
    if due:
        yield from _queue(context, target, due, reply, soon=soon, finished=finished)
    yield from _tidy(context, keys, target, plan, reply)
    return target.config(checkpoint["id"])


class _Serialized(NamedTuple):
    """What of a checkpoint is sent whatever is stored already."""

    checkpoint: Typed
    metadata: Typed
    run_id: str | None
    keep_ancestors: bool


def _serialize(codec: Codec, checkpoint: Checkpoint, metadata: dict[str, Any]) -> _Serialized:
    rest = {key: value for key, value in checkpoint.items() if key != "channel_values"}
    run_id = metadata.get("run_id")
    return _Serialized(
        codec.dumps(rest),
        codec.dumps(metadata),
        None if run_id is None else str(run_id),
        needs_ancestors(checkpoint["channel_versions"], checkpoint["channel_values"], metadata),
    )


def _finishes(
    context: Context, target: Target, checkpoint: Checkpoint, metadata: dict[str, Any]
) -> bool:
    """Tell whether a checkpoint finishes its thread, if anyone wants to know."""
    if context.archiving is None or target.namespace:
        return False
    if context.settings.is_finished is None:
        return leaves_nothing(checkpoint, metadata)
    config = target.config(checkpoint["id"])
    parent = target.config(target.checkpoint_id) if target.checkpoint_id else None
    found = CheckpointTuple(config, checkpoint, metadata, parent, [])  # type: ignore[arg-type]
    return is_finished(context, found)


def _remembered_base(context: Context, keys: ThreadKeys, target: Target) -> _Base:
    copy = context.memory.get(keys.head)
    if copy is None or target.checkpoint_id is None:
        return _base_on(copy)
    return _base_on(copy, copy.view(target.address(target.checkpoint_id)))


def _base_on(copy: ThreadCopy | None, view: View | None = None) -> _Base:
    return _Base(copy if copy and copy.proven else None, view)


def _goes_on(context: Context, target: Target) -> bool:
    """Tell whether a put may be to a thread that is only archived, and which it would hide.

    It expired, or was evicted, in the middle of a run. The first checkpoint of a root graph
    begins a thread.
    """
    if context.archiving is None or not context.settings.restore:
        return False
    return target.checkpoint_id is not None or bool(target.namespace)


def _complete(
    context: Context,
    keys: ThreadKeys,
    target: Target,
    checkpoint: Checkpoint,
    new_versions: ChannelVersions,
    base: _Base,
) -> Operation[_Base]:
    """Fetch what a put needs to know and this process does not.

    LangGraph reads a checkpoint before it puts the next and hands every value to the
    put, so that nothing needs to be fetched. Other callers may put a child of a
    checkpoint that was never read here, or leave out values that did not change.
    """
    try:
        if target.checkpoint_id is not None and base.view is None:
            found = yield from find_view(context, keys, target, target.checkpoint_id)
            if found is None and _goes_on(context, target):
                there = yield from bring_back(context, target.thread_id)
                base = base._replace(new=not there)
                if there:
                    found = yield from find_view(context, keys, target, target.checkpoint_id)
            if found is not None:
                base = _base_on(*found)
        elif base.copy is None and _goes_on(context, target):
            base = base._replace(new=not (yield from bring_back(context, target.thread_id)))
        known = base.view.versions if base.view else {}
        missing = {
            name: version
            for name, version in checkpoint["channel_versions"].items()
            if name not in new_versions
            and name not in checkpoint["channel_values"]
            and known.get(name, _ABSENT) != version
        }
        if missing:
            found = yield from find_versions(context, keys, target, missing)
            if found is not None:
                base = _base_on(*found)
    except CorruptRecord:
        # What is left of the thread is of no use; what the checkpoint holds is whole.
        return _Base()
    return base


def _plan(
    codec: Codec, checkpoint: Checkpoint, new_versions: ChannelVersions, base: _Base
) -> _Plan:
    appendix = Appendix()
    channels: dict[str, Stored] = {}
    fingerprints: dict[str, Fingerprint] = {}
    values = checkpoint["channel_values"]
    copy, view = base.copy, base.view
    length = 0
    for name, version in checkpoint["channel_versions"].items():
        stored = view.channels.get(name) if view else None
        fingerprint = view.fingerprints.get(name) if view else None
        if view and name not in new_versions and view.versions.get(name, _ABSENT) == version:
            if stored is None:
                continue
            stored = keep(stored, appendix)
        elif name in values:
            known = Known(stored, fingerprint, copy.log) if stored and copy else None
            stored, fingerprint = place(codec, values[name], known, appendix)
            length += sum(run.length for run in stored.runs)
        else:
            continue
        channels[name] = stored
        if fingerprint is not None:
            fingerprints[name] = fingerprint
    saved = max(0, length - len(appendix))
    return _Plan(new_stamp(), bytes(appendix), channels, fingerprints, saved)


def _arguments(
    context: Context,
    target: Target,
    checkpoint: Checkpoint,
    serialized: _Serialized,
    base: _Base,
    plan: _Plan,
    due: Due | None,
) -> tuple[Argument, ...]:
    held = base.copy.held() if base.copy else None
    keep_last = context.settings.keep_last
    record = encode_record(
        parent=encode_part(target.checkpoint_id) if target.checkpoint_id is not None else b"",
        checkpoint=serialized.checkpoint,
        metadata=serialized.metadata,
        run_id=serialized.run_id,
        channels=plan.channels,
    )
    return (
        held.generation if held else "",
        held.proof if held else "",
        new_generation(),
        target.space,
        target.address(checkpoint["id"]),
        plan.stamp,
        record,
        plan.appended,
        context.ttl,
        "" if keep_last is None else keep_last,
        "1" if serialized.keep_ancestors else "",
        base.view.proof if base.view else "",
        _journaled(context, target, checkpoint, base, plan),
        *due_arguments(due),
    )


def _journaled(
    context: Context, target: Target, checkpoint: Checkpoint, base: _Base, plan: _Plan
) -> bytes:
    """Return the journal's entries for the lists of messages that this put changes."""
    if target.namespace:
        return b""
    if context.archiving is None:
        return NO_JOURNAL
    before = base.view.channels if base.view else {}
    entries = [
        entry
        for name, stored in plan.channels.items()
        if is_transcript(name, checkpoint["channel_values"].get(name))
        and (entry := entry_of(name, checkpoint["ts"], stored, before.get(name)))
    ]
    return encode_entries(entries) if entries else b""


def _remember(
    context: Context,
    keys: ThreadKeys,
    target: Target,
    checkpoint: Checkpoint,
    base: _Base,
    plan: _Plan,
    reply: list[Any],
) -> None:
    generation, position = reply[0].decode(), reply[1]
    # The script accepted the copy it was told of, so this checkpoint vouches for it too.
    copy = base.copy or ThreadCopy(generation)
    address = target.address(checkpoint["id"])
    proof = make_proof(address, generation, plan.stamp)
    view = View(
        address=address,
        proof=proof,
        versions=dict(checkpoint["channel_versions"]),
        channels={
            name: Stored(stored.type, None, stored.items, resolve_runs(stored.runs, position))
            if stored.runs
            else stored
            for name, stored in plan.channels.items()
        },
        fingerprints=plan.fingerprints,
    )
    end = position + len(plan.appended)
    copy.learn([(position, plan.appended)], Proof(proof, end))
    copy.remember(view)
    context.memory.keep(keys.head, copy)


def _queue(
    context: Context,
    target: Target,
    due: Due,
    reply: list[Any],
    *,
    soon: bool,
    finished: bool,
) -> Operation[None]:
    """See to it that a thread that was written to is archived when it is due."""
    if reply[4]:
        # The queue is on another server, and a worker may have been done with the thread
        # between the two steps.
        yield queue_first(due)
    try:
        if finished and context.settings.archive_on == "inline":
            yield from archive_now(context, target.thread_id)
    finally:
        # The archiver clears the queue, and archives what could not be archived now.
        if context.archiving:
            context.archiving.notice(soon=soon)


def _tidy(
    context: Context, keys: ThreadKeys, target: Target, plan: _Plan, reply: list[Any]
) -> Operation[None]:
    """Now and then remove what a bounded history has left behind."""
    keep_last = context.settings.keep_last
    if keep_last is None:
        return
    _, position, ancestors, tidied, _ = reply
    log_then, ancestors_then = map(int, tidied.split())
    if (
        position + len(plan.appended) > 2 * log_then + _BYTES_TO_TIDY
        or ancestors > 2 * ancestors_then + _ANCESTORS_TO_TIDY
    ):
        try:
            yield from prune_thread(context, keys, target.thread_id, keep_last, attempts=1)
        except DualStoreError:
            # The checkpoint is stored. A put that finds more to tidy will try again.
            _logger.warning("could not tidy thread %r", target.thread_id, exc_info=True)

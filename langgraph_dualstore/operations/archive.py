"""Archiving threads: what is new in each, all of it or nothing.

The archive has a mark for each thread, a new one with every change. A thread's head notes
the mark that was the last to be archived from it. What is new since is handed over with
that mark as its base, and refused if the archive has another one by now: because another
worker was quicker, because the thread was deleted, or because the archive has lost what
it had. Then the mark is asked for first and the thread is read after that, so that a
thread which is deleted in between is never brought back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from langgraph_dualstore._steps import AskArchive, Operation, RunScript
from langgraph_dualstore.archive import Mark
from langgraph_dualstore.errors import HotStoreUnavailable
from langgraph_dualstore.hot.note import decode_note, encode_note
from langgraph_dualstore.hot.scripts import ARCHIVED, DROP, RECENT
from langgraph_dualstore.operations.archivable import Prepared, Recent, everything, increment
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.rewrite import dump
from langgraph_dualstore.operations.together import together
from langgraph_dualstore.operations.turn_logs import with_logs

Outcome = Literal["archived", "changed", "absent"]
"""`archived`: as it is now. `changed`: written to meanwhile, so to be archived again.
`absent`: there is nothing to archive."""

_ATTEMPTS = 4


def archive_now(context: Context, thread_id: str, *, recheck: bool = False) -> Operation[Outcome]:
    """Archive a thread.

    Args:
        context: The operation's.
        thread_id: The thread.
        recheck: Whether to ask the archive what it has before Redis is believed.

    Raises:
        ColdStoreError: The archive refused or failed.
        HotStoreError: Redis did.
        CorruptRecord: What is stored of the thread cannot be read.
        UnknownMessageType: A message is of no kind that a transcript knows.
    """
    marks = None
    if recheck:
        marks = yield AskArchive("marks", ([thread_id],))
    outcome = (yield from archive_threads(context, [thread_id], marks))[thread_id]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def archive_threads(
    context: Context, thread_ids: Sequence[str], marks: Mapping[str, Mark] | None = None
) -> Operation[dict[str, Outcome | Exception]]:
    """Archive some threads in one transaction.

    Args:
        context: The operation's.
        thread_ids: The threads.
        marks: What the archive has for them, if it was asked.

    Returns:
        What became of each. An exception is the fault of that thread; the others are not
        affected by it.

    Raises:
        ColdStoreError: The archive refused or failed; none is archived.
        HotStoreError: Redis did; some may be archived.
    """
    outcomes: dict[str, Outcome | Exception] = {}
    waiting = list(dict.fromkeys(thread_ids))
    for _ in range(_ATTEMPTS):
        refused = yield from _attempt(context, waiting, marks, outcomes)
        waiting = [thread_id for thread_id in waiting if thread_id in refused]
        if not waiting:
            return outcomes
        marks = yield AskArchive("marks", (waiting,))
    return outcomes | dict.fromkeys(waiting, _CHANGED)


_NEW = Mark("", deleted=False)
_CHANGED: Outcome = "changed"


def _attempt(
    context: Context,
    thread_ids: Sequence[str],
    marks: Mapping[str, Mark] | None,
    outcomes: dict[str, Outcome | Exception],
) -> Operation[set[str]]:
    """Archive some threads, given what the archive has for them if it was asked.

    Returns:
        Those for which the archive must be asked, and which are to be read after that.
    """
    prepared: list[Prepared] = []
    refused: set[str] = set()
    preparing = (
        _prepare(context, thread_id, None if marks is None else marks.get(thread_id, _NEW))
        for thread_id in thread_ids
    )
    for thread_id, ready in zip(thread_ids, (yield from together(preparing)), strict=True):
        if isinstance(ready, HotStoreUnavailable):
            raise ready
        if isinstance(ready, Prepared):
            prepared.append(ready)
        elif ready == "unknown":
            refused.add(thread_id)
        else:
            outcomes[thread_id] = ready
    if prepared:
        batch = [ready.archive for ready in prepared]
        refused |= set((yield AskArchive("archive", (batch,))))
    stored = [ready for ready in prepared if ready.archive.thread_id not in refused]
    noted = yield from together(_note(context, ready) for ready in stored)
    for ready, outcome in zip(stored, noted, strict=True):
        if isinstance(outcome, HotStoreUnavailable):
            raise outcome
        outcomes[ready.archive.thread_id] = outcome
        context.counters.archived_threads += 1
        context.counters.archived_messages += len(ready.archive.messages)
    return refused


_Ready = Prepared | Outcome | Literal["unknown"]
"""`unknown`: the archive has to be asked what it has, and the thread is to be read after that."""


def _prepare(context: Context, thread_id: str, mark: Mark | None) -> Operation[_Ready]:
    """Read what is new in a thread.

    Args:
        context: The operation's.
        thread_id: The thread.
        mark: What the archive has for it, if it was asked.
    """
    if mark is not None:
        return (yield from _prepare_on(context, thread_id, mark))
    keys = context.keys(thread_id)
    recent = yield RunScript(RECENT, keys)
    if recent is None:
        return "absent"
    generation, revision, noted, clean, delta, members, writes, journal, logs = recent
    if clean:
        return "archived"
    note = decode_note(noted) if noted else None
    if note is None:
        return "unknown"
    prepared = None
    if (
        note.generation == generation.decode()
        and not delta
        and context.settings.archive_history == "newest"
    ):
        recent_ = Recent(thread_id, revision, note, noted, members, writes, journal)
        prepared = yield from increment(context, keys, recent_)
    if prepared is None:
        whole = yield from dump(keys)
        if whole is None:
            return "absent"
        prepared, logs = everything(context, thread_id, whole, note.mark, ""), whole.logs
    return with_logs(context, prepared, logs) or "absent"


def _prepare_on(context: Context, thread_id: str, mark: Mark) -> Operation[_Ready]:
    """Read all of a thread, given what the archive has for it."""
    keys = context.keys(thread_id)
    whole = yield from dump(keys)
    if whole is None:
        return "absent"
    note = decode_note(whole.archive) if whole.archive else None
    goes_on = note is not None and note.mark == mark.value
    if note is not None and mark.deleted and not goes_on:
        # It was restored, or read to be archived, while it was being deleted.
        yield RunScript(DROP, keys, (whole.generation, whole.revision))
        context.memory.forget(keys.head)
        return "absent"
    base = None if mark is _NEW else mark.value
    # A thread that goes on from what is archived may well have lost a checkpoint since.
    newest = "" if goes_on else mark.checkpoint_id
    prepared = everything(context, thread_id, whole, base, newest)
    return with_logs(context, prepared, whole.logs) or "absent"


def _note(context: Context, ready: Prepared) -> Operation[Outcome]:
    """Note in a thread's head what is archived of it."""
    state = (ready.generation, ready.revision)
    arguments = (*state, encode_note(ready.note), ready.journal, ready.noted)
    keys = context.keys(ready.archive.thread_id)
    unchanged = yield RunScript(ARCHIVED, keys, arguments)
    return "archived" if unchanged else "changed"

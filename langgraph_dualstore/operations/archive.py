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
from dataclasses import replace
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from langgraph.checkpoint.base import CheckpointTuple

from langgraph_dualstore._steps import AskArchive, Operation, RunScript
from langgraph_dualstore.archive import Entries, Mark, Session, ThreadArchive
from langgraph_dualstore.cold.plain import plain
from langgraph_dualstore.errors import ColdStoreUnavailable, HotStoreUnavailable
from langgraph_dualstore.hot.compaction import member_of
from langgraph_dualstore.hot.journal import decode_journal
from langgraph_dualstore.hot.keys import ANCESTOR, LISTED, ThreadKeys
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.memory import ThreadCopy
from langgraph_dualstore.hot.note import Note, decode_note, encode_note, without
from langgraph_dualstore.hot.records import Record, Run, decode_write, merge_runs
from langgraph_dualstore.hot.scripts import ARCHIVED, DROP, PIECES, RECENT
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.delta_transcripts import DeltaTranscripts
from langgraph_dualstore.operations.finish import status_of
from langgraph_dualstore.operations.prune import Content, select
from langgraph_dualstore.operations.reader import Reader, evicted
from langgraph_dualstore.operations.rewrite import dump
from langgraph_dualstore.operations.transcripts import (
    Changes,
    NeedsWhole,
    Transcript,
    entries_of,
    time_of,
)

Outcome = Literal["archived", "changed", "absent"]
"""`archived`: as it is now. `changed`: written to meanwhile, so to be archived again.
`absent`: there is nothing to archive."""

_MOST_PIECES = 128
_UNUSED_BYTES = 256 * 1024  # in an archived log, that are not worth archiving it anew
_ATTEMPTS = 4
_NOT_ATTRIBUTES = ("source", "step", "parents", "writes", "counters_since_delta_snapshot")


class _Prepared(NamedTuple):
    """A thread that is ready to be archived.

    Attributes:
        archive: What is handed to the archive.
        generation: The thread's, as it was read.
        revision: The same.
        note: What to note when it is archived.
        journal: How many bytes of the journal are archived with it.
    """

    archive: ThreadArchive
    generation: str
    revision: int
    note: Note
    journal: int


def archive_now(context: Context, thread_id: str) -> Operation[Outcome]:
    """Archive a thread.

    Raises:
        ColdStoreError: The archive refused or failed.
        HotStoreError: Redis did.
        CorruptRecord: What is stored of the thread cannot be read.
        UnknownMessageType: A message is of no kind that a transcript knows.
    """
    outcome = (yield from archive_threads(context, [thread_id]))[thread_id]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def archive_threads(
    context: Context, thread_ids: Sequence[str]
) -> Operation[dict[str, Outcome | Exception]]:
    """Archive some threads in one transaction.

    Returns:
        What became of each. An exception is the fault of that thread; the others are not
        affected by it.

    Raises:
        ColdStoreError: The archive refused or failed; none is archived.
        HotStoreError: Redis did; some may be archived.
    """
    outcomes: dict[str, Outcome | Exception] = {}
    waiting = list(dict.fromkeys(thread_ids))
    marks: Mapping[str, Mark] | None = None
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
    prepared: dict[str, _Prepared] = {}
    refused: set[str] = set()
    for thread_id in thread_ids:
        mark = None if marks is None else marks.get(thread_id, _NEW)
        try:
            ready = yield from _prepare(context, thread_id, mark)
        except (ColdStoreUnavailable, HotStoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - the caller decides
            outcomes[thread_id] = error
            continue
        if isinstance(ready, _Prepared):
            prepared[thread_id] = ready
        elif ready == "unknown":
            refused.add(thread_id)
        else:
            outcomes[thread_id] = ready
    if prepared:
        batch = [ready.archive for ready in prepared.values()]
        refused |= set((yield AskArchive("archive", (batch,))))
    for thread_id, ready in prepared.items():
        if thread_id not in refused:
            outcomes[thread_id] = yield from _note(context, ready)
    return refused


def _prepare(
    context: Context, thread_id: str, mark: Mark | None
) -> Operation[_Prepared | Outcome | Literal["unknown"]]:
    """Read what is new in a thread.

    Args:
        context: The operation's.
        thread_id: The thread.
        mark: What the archive has for it, if it was asked.

    Returns:
        `"unknown"` if the archive has to be asked first.
    """
    keys = context.keys(thread_id)
    recent = yield RunScript(RECENT, keys)
    if recent is None:
        return "absent"
    generation, revision, noted, clean, delta, members, writes, journal = recent
    note = decode_note(noted) if noted else None
    if mark is None:
        if clean:
            return "archived"
        if note is None:
            return "unknown"
        if (
            note.generation == generation.decode()
            and not delta
            and context.settings.archive_history == "newest"
        ):
            recent_ = _Recent(thread_id, revision, note, members, writes, journal)
            prepared = yield from _increment(context, keys, recent_)
            if prepared is not None:
                return prepared
        base: str | None = note.mark
        newest = ""
    else:
        if note is not None and mark.deleted and note.mark != mark.value:
            # It was restored, or read to be archived, while it was being deleted.
            yield RunScript(DROP, keys, (generation, revision))
            context.memory.forget(keys.head)
            return "absent"
        base = None if mark is _NEW else mark.value
        # A thread that goes on from what is archived may well have lost a checkpoint since.
        goes_on = note is not None and note.mark == mark.value
        newest = "" if goes_on else mark.checkpoint_id
    return (yield from _everything(context, keys, thread_id, base, newest))


class _Recent(NamedTuple):
    """What is read of a thread that was archived before."""

    thread_id: str
    revision: int
    note: Note
    members: list[bytes]
    writes: list[bytes]
    journal: bytes


def _increment(context: Context, keys: ThreadKeys, recent: _Recent) -> Operation[_Prepared | None]:
    """Return what is new in a thread, `None` if it has to be archived as a whole."""
    thread_id, note = recent.thread_id, recent.note
    content = select(context, thread_id, recent.members, recent.writes, 1)
    if not content.listed or {record.generation for record in content.listed} != {note.generation}:
        return None
    needed = merge_runs(_runs_of(content))
    new = without(needed, note.kept)
    used = sum(run.length for run in needed)
    kept = sum(run.length for run in (*note.kept, *new))
    if note.pieces + len(new) > _MOST_PIECES or kept > 2 * used + _UNUSED_BYTES:
        return None

    root = _root_of(content)
    changes = None
    wanted = list(new)
    if context.archiving and context.archiving.transcript:
        entries = decode_journal(recent.journal, thread_id)
        changes = Changes(entries, note.lists, root.channels if root else {})
        if not changes.complete:
            return None
        wanted += changes.runs()
    wanted += _runs_for_session(context, root)
    log = LogCopy()
    pieces = merge_runs(wanted)
    if pieces:
        bounds = [bound for run in pieces for bound in (run.start, run.end - 1)]
        fetched = yield RunScript(PIECES, keys, (note.generation, *bounds))
        if fetched is None:
            return None
        for run, data in zip(pieces, fetched, strict=True):
            log.add(run.start, data)
    try:
        transcript = changes.transcript(context, thread_id, log) if changes else _NO_TRANSCRIPT
    except NeedsWhole:
        return None
    return _ready(
        context,
        _Read(thread_id, recent.revision, note.generation, note.mark, len(recent.journal)),
        content,
        log,
        pieces=new,
        transcript=transcript,
        note=Note(
            "",
            note.generation,
            note.pieces + len(new),
            tuple(merge_runs([*note.kept, *new])),
            changes.lists if changes else {},
        ),
        # A restored thread has another log than the archive has pieces of.
        whole_log=not note.kept,
    )


def _everything(
    context: Context, keys: ThreadKeys, thread_id: str, base: str | None, newest: str
) -> Operation[_Prepared | Outcome]:
    """Return all of a thread.

    Args:
        context: The operation's.
        keys: The thread's.
        thread_id: The thread.
        base: What the archive has for it.
        newest: The newest checkpoint that the archive has of it. If that is newer than what
            is here, which a server may have lost, it stays the newest there.
    """
    whole = yield from dump(keys)
    if whole is None:
        return "absent"
    generation = whole.generation.decode()
    keep = 1 if context.settings.archive_history == "newest" else None
    content = select(context, thread_id, whole.members, whole.writes, keep)
    if not content.listed:
        return "absent"  # writes to a checkpoint that never came: nothing could be resumed
    needed = merge_runs(_runs_of(content))
    log = LogCopy.whole(whole.log)
    root = _root_of(content)
    changes = deltas = None
    try:
        if context.archiving and context.archiving.transcript:
            every = select(context, thread_id, whole.members, whole.writes, None)
            records = [record for record in every.listed if not record.namespace]
            entries = entries_of(context, thread_id, records, log)
            # The same list may be there again, at another time.
            known = {(entry.channel, entry.time, entry.stored) for entry in entries}
            journal = decode_journal(whole.journal, thread_id)
            entries += [e for e in journal if (e.channel, e.time, e.stored) not in known]
            entries.sort(key=lambda entry: time_of(entry.time))
            now = root.channels if root else {}
            note = decode_note(whole.archive) if whole.archive else None
            emptied = note.lists if note else ()
            changes = Changes(entries, {}, now, unsure=base is not None, known=emptied)
            if whole.delta and root is not None:
                deltas = DeltaTranscripts(context, thread_id, every, root, log)
        transcript = (
            changes.transcript(context, thread_id, log, deltas) if changes else _NO_TRANSCRIPT
        )
    except NeedsWhole as error:
        raise evicted(thread_id) from error
    lists = changes.lists if changes else {}
    ready = _ready(
        context,
        _Read(thread_id, whole.revision, generation, base, len(whole.journal)),
        content,
        log,
        pieces=needed,
        transcript=transcript,
        note=Note("", generation, len(needed), tuple(needed), lists),
        whole_log=True,
    )
    return ready if ready.archive.checkpoint_id >= newest else _only_messages(ready)


def _only_messages(ready: _Prepared) -> _Prepared:
    """Return an archive that leaves the newer state which the archive has as it is."""
    archive = replace(ready.archive, present={}, entries=None)
    # The next archive sends everything: nothing of this log is there.
    return ready._replace(archive=archive, note=ready.note._replace(generation=""))


_NO_TRANSCRIPT = Transcript([], {}, None)


class _Read(NamedTuple):
    """Which thread was read, in which state, and what it goes on from."""

    thread_id: str
    revision: int
    generation: str
    base: str | None
    journal: int


def _ready(
    context: Context,
    read: _Read,
    content: Content,
    log: LogCopy,
    *,
    pieces: Sequence[Run],
    transcript: Transcript,
    note: Note,
    whole_log: bool,
) -> _Prepared:
    mark = uuid4().hex
    root = _root_of(content)
    members = [
        member_of(tag, record)
        for tag, records in ((ANCESTOR, content.ancestors), (LISTED, content.listed))
        for record in records
    ]
    data = [(run.start, log.read([run])) for run in pieces]
    archive = ThreadArchive(
        thread_id=read.thread_id,
        checkpoint_id=root.checkpoint_id if root else "",
        base=read.base,
        mark=mark,
        session=_session_of(context, read.thread_id, content, log, transcript),
        messages=transcript.rows,
        present=transcript.present,
        entries=Entries(
            read.generation,
            content.rebuilt,
            members,
            content.writes,
            [(start, piece) for start, piece in data if piece is not None],
        ),
        whole_log=whole_log,
    )
    note = note._replace(mark=mark)
    return _Prepared(archive, read.generation, read.revision, note, read.journal)


def _note(context: Context, ready: _Prepared) -> Operation[Outcome]:
    """Note in a thread's head what is archived of it."""
    state = (ready.generation, ready.revision)
    arguments = (*state, encode_note(ready.note), ready.journal)
    keys = context.keys(ready.archive.thread_id)
    unchanged = yield RunScript(ARCHIVED, keys, arguments)
    return "archived" if unchanged else "changed"


def _runs_of(content: Content) -> list[Run]:
    return [
        run
        for record in (*content.listed, *content.ancestors)
        for stored in record.channels.values()
        for run in stored.runs
    ]


def _root_of(content: Content) -> Record | None:
    """Return the newest checkpoint of the root graph."""
    roots = [record for record in content.listed if not record.namespace]
    return roots[-1] if roots else None


def _runs_for_session(context: Context, root: Record | None) -> list[Run]:
    """Return the stretches of the log that are needed to tell of a session."""
    if root is None:
        return []
    wanted = context.settings.attribute_channels
    every = context.settings.is_finished is not None
    return [
        run
        for name, stored in root.channels.items()
        if every or name in wanted
        for run in stored.runs
    ]


def _session_of(
    context: Context, thread_id: str, content: Content, log: LogCopy, transcript: Transcript
) -> Session:
    root = _root_of(content)
    newest = root or max(content.listed, key=lambda record: record.checkpoint_id)
    copy = ThreadCopy(newest.generation)
    copy.log = log
    reader = Reader(context, thread_id, copy)
    checkpoint = reader.checkpoint(newest)
    metadata = reader.metadata(newest)
    wanted = context.settings.attribute_channels
    every = context.settings.is_finished is not None
    checkpoint["channel_values"] = {
        name: reader.value(newest, stored) if every or name in wanted else None
        for name, stored in newest.channels.items()
    }
    found = CheckpointTuple(
        {"configurable": {"thread_id": thread_id}},
        checkpoint,
        metadata,  # type: ignore[arg-type]
        None,
        [_pending(context, thread_id, write, every) for write in _writes_of(newest, content)],
    )
    last = time_of(checkpoint["ts"])
    user_id = metadata.get("user_id")
    attributes: dict[str, Any] = {
        name: plain(value) for name, value in metadata.items() if name not in _NOT_ATTRIBUTES
    }
    for name in wanted:
        if name in checkpoint["channel_values"]:
            attributes[name] = plain(checkpoint["channel_values"][name])
    firsts = [transcript.since] if transcript.since else []
    firsts += [time_of(context.codec.loads(record.checkpoint)["ts"]) for record in content.listed]
    return Session(
        status=status_of(context, found if root else None),
        user_id=None if user_id is None else str(user_id),
        started_at=min(firsts),
        last_activity_at=last,
        attributes=attributes,
    )


def _writes_of(record: Record, content: Content) -> list[bytes]:
    return [write for write in content.writes if write.startswith(record.address)]


def _pending(context: Context, thread_id: str, member: bytes, every: bool) -> tuple[str, str, Any]:
    write = decode_write(member, thread_id)
    value = context.codec.loads(write.value) if every else None
    return write.task_id, write.channel, value

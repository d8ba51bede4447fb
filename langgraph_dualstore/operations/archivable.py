"""What is new in a thread, ready to be archived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import uuid4

from langgraph_dualstore._steps import Operation
from langgraph_dualstore.archive import Entries, ThreadArchive
from langgraph_dualstore.hot.compaction import member_of
from langgraph_dualstore.hot.journal import decode_journal
from langgraph_dualstore.hot.keys import ANCESTOR, LISTED, ThreadKeys
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.note import Note, decode_note, without
from langgraph_dualstore.hot.records import Run, merge_runs
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.delta_transcripts import DeltaTranscripts
from langgraph_dualstore.operations.pieces import log_of, pieces_step
from langgraph_dualstore.operations.prune import Content, decode_members, select
from langgraph_dualstore.operations.reader import evicted
from langgraph_dualstore.operations.rewrite import Whole
from langgraph_dualstore.operations.scribe import NeedsWhole, Scribe, time_of
from langgraph_dualstore.operations.session import runs_for_session, session_of
from langgraph_dualstore.operations.transcripts import Changes, Transcript, entries_of

_MOST_PIECES = 128
_UNUSED_BYTES = 256 * 1024  # in an archived log, that are not worth archiving it anew


class Prepared(NamedTuple):
    """A thread that is ready to be archived.

    Attributes:
        archive: What is handed to the archive.
        generation: The thread's, as it was read.
        revision: The same.
        note: What to note when it is archived.
        journal: How many bytes of the journal are archived with it.
        noted: What was noted when it was read.
    """

    archive: ThreadArchive
    generation: str
    revision: int
    note: Note
    journal: int
    noted: bytes


class Recent(NamedTuple):
    """What is read of a thread that was archived before."""

    thread_id: str
    revision: int
    note: Note
    noted: bytes
    members: list[bytes]
    writes: list[bytes]
    journal: bytes


def increment(context: Context, keys: ThreadKeys, recent: Recent) -> Operation[Prepared | None]:
    """Return what is new in a thread, `None` if it has to be archived as a whole."""
    thread_id, note = recent.thread_id, recent.note
    members = decode_members(thread_id, recent.members)
    content = select(context, thread_id, members, recent.writes, 1)
    if not content.listed or {record.generation for record in content.listed} != {note.generation}:
        return None
    needed = merge_runs(_runs_of(content))
    new = without(needed, note.kept)
    used = sum(run.length for run in needed)
    kept = sum(run.length for run in (*note.kept, *new))
    if note.pieces + len(new) > _MOST_PIECES or kept > 2 * used + _UNUSED_BYTES:
        return None

    root = content.root
    changes = None
    wanted = list(new)
    if context.archiving and context.archiving.transcript:
        entries = decode_journal(recent.journal, thread_id)
        changes = Changes(entries, note.lists, root.channels if root else {})
        if not changes.complete:
            return None
        wanted += changes.runs()
    wanted += runs_for_session(context, root)
    pieces = merge_runs(wanted)
    fetched = (yield pieces_step(keys, note.generation, pieces)) if pieces else []
    if fetched is None:
        return None
    log = log_of(pieces, fetched)
    try:
        transcript = (
            changes.transcript(Scribe(context, thread_id, log)) if changes else _NO_TRANSCRIPT
        )
    except NeedsWhole:
        return None
    return _ready(
        context,
        _Read(
            thread_id,
            recent.revision,
            note.generation,
            note.mark,
            len(recent.journal),
            recent.noted,
        ),
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


def everything(
    context: Context, thread_id: str, whole: Whole, base: str | None, newest: str
) -> Prepared | None:
    """Return all of a thread, `None` if there is nothing to archive.

    Args:
        context: The operation's.
        thread_id: The thread.
        whole: All of it.
        base: What the archive has for it.
        newest: The newest checkpoint that the archive has of it. If that is newer than what
            is here, which a server may have lost, it stays the newest there.
    """
    generation = whole.generation.decode()
    keep = 1 if context.settings.archive_history == "newest" else None
    members = decode_members(thread_id, whole.members)
    content = select(context, thread_id, members, whole.writes, keep)
    if not content.listed:
        return None  # writes to a checkpoint that never came: nothing could be resumed
    needed = merge_runs(_runs_of(content))
    log = LogCopy.whole(whole.log)
    root = content.root
    changes = deltas = None
    scribe = Scribe(context, thread_id, log)
    try:
        if context.archiving and context.archiving.transcript:
            records = [m.record for m in members if m.listed and not m.record.namespace]
            entries = entries_of(scribe, records)
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
                every = select(context, thread_id, members, whole.writes, None)
                deltas = DeltaTranscripts(context, thread_id, every, root, log)
        transcript = changes.transcript(scribe, deltas) if changes else _NO_TRANSCRIPT
    except NeedsWhole as error:
        raise evicted(thread_id) from error
    lists = changes.lists if changes else {}
    ready = _ready(
        context,
        _Read(thread_id, whole.revision, generation, base, len(whole.journal), whole.archive),
        content,
        log,
        pieces=needed,
        transcript=transcript,
        note=Note("", generation, len(needed), tuple(needed), lists),
        whole_log=True,
    )
    return ready if ready.archive.checkpoint_id >= newest else _only_messages(ready)


def _only_messages(ready: Prepared) -> Prepared:
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
    noted: bytes


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
) -> Prepared:
    mark = uuid4().hex
    root = content.root
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
        session=session_of(context, read.thread_id, content, log, transcript),
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
    return Prepared(archive, read.generation, read.revision, note, read.journal, read.noted)


def _runs_of(content: Content) -> list[Run]:
    return [run for record in (*content.listed, *content.ancestors) for run in record.runs]

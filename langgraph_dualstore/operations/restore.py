"""Bringing a thread back from the archive."""

from __future__ import annotations

import logging

from langgraph_dualstore._steps import ABSENT, AskArchive, Operation, RunScript, TimeLeft
from langgraph_dualstore.archive import Archived
from langgraph_dualstore.errors import ColdStoreUnavailable, HotStoreUnavailable
from langgraph_dualstore.hot.compaction import Compaction
from langgraph_dualstore.hot.keys import ThreadKeys
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.note import Note, encode_note
from langgraph_dualstore.hot.records import Record, decode_record
from langgraph_dualstore.hot.scripts import DROP
from langgraph_dualstore.operations.context import Context, new_generation
from langgraph_dualstore.operations.rewrite import dump, replace
from langgraph_dualstore.operations.scribe import Scribe
from langgraph_dualstore.operations.transcripts import entries_of

_logger = logging.getLogger(__name__)

_ATTEMPTS = 4


def restore_now(context: Context, thread_id: str) -> Operation[bool]:
    """Bring a thread back if it is not in Redis, whatever the settings say.

    Returns:
        Whether it is there now.

    Raises:
        ColdStoreError: The archive refused or failed.
        CorruptRecord: What the archive has cannot be read.
    """
    left = yield TimeLeft(context.keys(thread_id))
    return left != ABSENT or (yield from restore_thread(context, thread_id))


def restore_missing(context: Context, thread_id: str) -> Operation[bool]:
    """Bring a thread that is not in Redis back, as the settings say.

    Returns:
        Whether it is in Redis now.

    Raises:
        ColdStoreUnavailable: The archive cannot be asked, and that is not to be ignored.
    """
    settings = context.settings
    if context.archiving is None or not settings.restore:
        return False
    try:
        return (yield from restore_thread(context, thread_id))
    except ColdStoreUnavailable:
        if settings.on_cold_error == "raise":
            raise
        _logger.warning("cannot look for thread %r in the archive", thread_id, exc_info=True)
        return False


def restore_if_absent(context: Context, thread_id: str) -> Operation[bool]:
    """Bring a thread back if it is not in Redis.

    Returns:
        Whether it was not, and is now.
    """
    if context.archiving is None or not context.settings.restore:
        return False
    left = yield TimeLeft(context.keys(thread_id))
    if left != ABSENT:
        return False
    return (yield from restore_missing(context, thread_id))


ATTEMPTS = 50
"""How often a thread that is to be written to is brought back, if it is evicted every time."""


def gone_again(thread_id: str) -> HotStoreUnavailable:
    """Return the error that says that it was brought back too often."""
    return HotStoreUnavailable(
        f"thread {thread_id!r} is evicted again and again, as soon as it is brought back"
    )


def bring_back(context: Context, thread_id: str) -> Operation[bool]:
    """Bring a thread back, if it is not in Redis, so that it can be written to.

    Returns:
        Whether either tier has it.
    """
    left = yield TimeLeft(context.keys(thread_id))
    return left != ABSENT or (yield from restore_missing(context, thread_id))


def restore_thread(context: Context, thread_id: str) -> Operation[bool]:
    """Bring a thread back that is not in Redis.

    Returns:
        Whether it is in Redis now: nobody else may have brought it back meanwhile.

    Raises:
        ColdStoreError: The archive refused or failed.
        CorruptRecord: What the archive has cannot be read.
    """
    keys = context.keys(thread_id)
    for _ in range(_ATTEMPTS):
        found: Archived | None = yield AskArchive("restore", (thread_id,))
        if found is None:
            return False
        generation = new_generation()
        if not (yield from _put_back(context, keys, thread_id, found, generation)):
            return True
        marks = yield AskArchive("marks", ([thread_id],))
        mark = marks.get(thread_id)
        if mark is not None and mark.value == found.mark:
            context.counters.restores += 1
            return True
        # It was deleted or archived anew in between: what was put back is out of date.
        yield RunScript(DROP, keys, (generation, 1))
        context.memory.forget(keys.head)
    return (yield from dump(keys)) is not None


def _put_back(
    context: Context, keys: ThreadKeys, thread_id: str, found: Archived, generation: str
) -> Operation[bool]:
    """Write an archived thread into Redis, if it is still absent there."""
    entries = found.entries
    log = LogCopy.of(entries.log)
    records = [(member[:1], decode_record(member, thread_id)) for member in entries.members]
    compaction = Compaction(
        thread_id, entries.generation.encode(), [record for _, record in records], log
    )
    note = _note_of(context, thread_id, [record for _, record in records], log)
    lists = {name: compaction.stored(stored) for name, stored in note.lists.items()}
    note = note._replace(mark=found.mark, generation=generation, lists=lists)
    return (
        yield from replace(
            context,
            keys,
            None,
            generation=generation,
            log=compaction.log,
            delta=entries.delta,
            members=[compaction.member(tag, record, generation) for tag, record in records],
            writes=entries.writes,
            archive=encode_note(note),
        )
    )


def _note_of(context: Context, thread_id: str, records: list[Record], log: LogCopy) -> Note:
    """Return what is archived of a thread as it is put back.

    The log will be another one, so none of its pieces count as archived.
    """
    root = max(
        (record for record in records if not record.namespace),
        key=lambda record: record.checkpoint_id,
        default=None,
    )
    lists = {}
    if root is not None and context.archiving and context.archiving.transcript:
        for entry in entries_of(Scribe(context, thread_id, log), [root]):
            lists[entry.channel] = entry.stored
    return Note("", "", 0, (), lists)

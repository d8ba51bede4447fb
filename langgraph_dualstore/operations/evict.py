"""Making room in Redis: removing a thread that the archive has as it is."""

from __future__ import annotations

from langgraph_dualstore._steps import AskArchive, Operation, RunScript
from langgraph_dualstore.hot.note import decode_note
from langgraph_dualstore.hot.scripts import EVICT
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.states import peek_step


def evict_thread(context: Context, thread_id: str) -> Operation[bool]:
    """Remove a thread from Redis if it is archived as it is, and not pinned.

    The thread's own note of that is not trusted: an archive that was restored from a backup
    may have lost it. The archive is asked, and the script removes the thread only if it is
    still what was asked about.

    Returns:
        Whether it was removed.
    """
    reply = yield peek_step(context, thread_id)
    if reply is None:
        return False
    _, pinned, clean, noted, *_ = reply
    note = decode_note(noted) if noted else None
    if pinned or not clean or note is None:
        return False
    marks = yield AskArchive("marks", ([thread_id],))
    mark = marks.get(thread_id)
    if mark is None or mark.deleted or mark.value != note.mark:
        return False
    keys = context.keys(thread_id)
    removed = yield RunScript(EVICT, keys, (noted,))
    context.memory.forget(keys.head)
    return bool(removed)

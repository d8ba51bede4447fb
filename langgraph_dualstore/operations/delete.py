"""Deleting threads, and the checkpoints of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph_dualstore._steps import ABSENT, AskArchive, Operation, RunScript, TimeLeft, Unlink
from langgraph_dualstore.hot.keys import encode_text
from langgraph_dualstore.hot.records import decode_record
from langgraph_dualstore.hot.scripts import FIND_RUNS, REMOVE
from langgraph_dualstore.operations.context import Context, as_names, as_text, due_arguments
from langgraph_dualstore.operations.find import find_threads
from langgraph_dualstore.operations.queue import forget


def delete_thread(context: Context, thread_id: str) -> Operation[None]:
    """Remove everything of a thread, from the archive too, or its transcript as settings say."""
    keep_transcript = context.settings.delete_scope == "hot"
    asked = AskArchive("delete", (thread_id,), {"keep_transcript": keep_transcript})
    yield from remove_thread(context, thread_id, asked)


def remove_thread(
    context: Context, thread_id: str, asked: AskArchive
) -> Operation[tuple[int, Any]]:
    """Remove everything of a thread from Redis, and from the archive what that is asked to.

    Redis comes first: the archive's mark changes with the deletion, so that what was read
    of the thread before is refused from then on. It comes last, too: meanwhile someone may
    have asked for the thread, and had it restored.

    Returns:
        How many keys were removed, and what the archive replied, `None` if there is none.
    """
    keys = context.keys(thread_id)
    removed: int = yield Unlink(keys)
    context.memory.forget(keys.head)
    if context.archiving is None:
        return removed, None
    replied = yield asked
    removed += yield Unlink(keys)
    context.memory.forget(keys.head)
    yield from forget(context, thread_id)
    return removed, replied


def delete_for_runs(context: Context, run_ids: Sequence[str]) -> Operation[None]:
    """Remove the checkpoints that some runs wrote, with their writes, in all threads.

    No key lists the threads of a run, so this looks at every thread: it is for
    maintenance, not for a request.
    """
    wanted = {as_text("run id", run_id) for run_id in as_names("run_ids", run_ids)}
    if not wanted:
        return
    texts = tuple(map(encode_text, wanted))
    for thread_id in (yield from find_threads(context)):
        keys = context.keys(thread_id)
        candidates = yield RunScript(FIND_RUNS, keys, texts)
        doomed: list[bytes] = []
        for member in candidates:
            record = decode_record(member, thread_id)
            if record.run_id in wanted:
                doomed += [member, record.address]
        if doomed:
            due = context.due(thread_id, soon=True)
            yield RunScript(REMOVE, keys, (*due_arguments(due), *doomed), due)
            context.memory.forget(keys.head)
            if context.archiving and (yield TimeLeft(keys)) == ABSENT:
                # Nothing is left of it that could be archived over what was.
                yield from delete_thread(context, thread_id)

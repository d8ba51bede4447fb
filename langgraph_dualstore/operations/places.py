"""Where things are that are to be copied: a thread's tier, and its pending writes' places."""

from __future__ import annotations

from typing import Any, Literal

from langgraph_dualstore._steps import ABSENT, AskArchive, Operation, TimeLeft
from langgraph_dualstore.archive import Mark
from langgraph_dualstore.hot.keys import split_address
from langgraph_dualstore.hot.records import decode_write
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.rewrite import dump


def where_is(context: Context, thread_id: str) -> Operation[Mark | Literal["hot"] | None]:
    """Return `"hot"` if a thread is in Redis, else what the archive has of it."""
    left = yield TimeLeft(context.keys(thread_id))
    if left != ABSENT:
        return "hot"
    if context.archiving is None:
        return None
    marks = yield AskArchive("marks", ([thread_id],))
    mark: Mark | None = marks.get(thread_id)
    return mark


def write_places(context: Context, thread_id: str) -> Operation[list[tuple[Any, ...]]]:
    """Return the namespace, checkpoint, path, task, index and channel of each pending write."""
    whole = yield from dump(context.keys(thread_id))
    found: list[tuple[Any, ...]] = []
    for member in whole.writes if whole else ():
        place, _ = split_address(member, 2)
        write = decode_write(member, thread_id)
        found.append((*place, write.task_path, write.task_id, write.slot, write.channel))
    return found

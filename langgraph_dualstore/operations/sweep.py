"""Finding threads that should be queued to be archived, and are not.

Every write queues its thread. What a sweep finds was written before there was an archive,
by a process without one, or lost its place in the queue when a server lost data.
"""

from __future__ import annotations

from langgraph_dualstore._steps import NO_EXPIRY, Due, Operation, RunScript, Scan, queue_first
from langgraph_dualstore.hot.keys import (
    encode_text,
    head_pattern,
    queue_of,
    sweep_key,
    thread_ids_of,
)
from langgraph_dualstore.hot.scripts import QUEUE_SWEEP, UNARCHIVED
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.expiry import pin
from langgraph_dualstore.operations.queue import look

_START = "", 0


class Sweep:
    """One look at all threads, a page at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._place: tuple[str, int] | None = None

    def next_page(self) -> Operation[bool]:
        """Look at some threads, and queue those that should be.

        Returns:
            Whether there are more to look at. Not if this sweep, or another process's, was
            not long ago.
        """
        context = self._context
        prefix = context.settings.prefix
        if self._place is None:
            interval = context.settings.idle_ms // 8
            if not (yield RunScript(QUEUE_SWEEP, (sweep_key(prefix),), (interval,))):
                return False
            yield from self._pin_dead()
        node, cursor, heads = yield Scan(head_pattern(prefix), *(self._place or _START))
        self._place = node, cursor
        for thread_id in thread_ids_of(prefix, heads):
            yield from self._look_at(thread_id)
        return self._place != _START

    def _look_at(self, thread_id: str) -> Operation[None]:
        settings = self._context.settings
        left = yield RunScript(UNARCHIVED, self._context.keys(thread_id))
        if left is None:
            return
        wait = settings.idle_ms if left == NO_EXPIRY else left - settings.margin_ms
        queue = queue_of(settings.prefix, thread_id)
        yield queue_first(Due(queue.due, max(0, wait), encode_text(thread_id)))

    def _pin_dead(self) -> Operation[None]:
        """Pin what was set aside: a worker may have crashed before it could."""
        for letter in (yield from look(self._context)).dead:
            yield from pin(self._context, letter.thread_id)

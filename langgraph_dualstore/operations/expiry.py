"""How long a thread lives."""

from __future__ import annotations

from datetime import timedelta

from langgraph_dualstore._steps import ABSENT, NO_EXPIRY, Operation, RunScript, TimeLeft
from langgraph_dualstore.hot.scripts import EXPIRE, PIN, UNPIN
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.settings import TTL, milliseconds


def extend_ttl(context: Context, thread_id: str, ttl: TTL = None) -> Operation[bool]:
    """Give a thread at least `ttl` to live, the setting's for `None`.

    Returns:
        Whether the thread is there.
    """
    left = context.ttl if ttl is None else milliseconds(ttl) or ""
    reply = yield RunScript(EXPIRE, context.keys(thread_id), (left,))
    return bool(reply)


def pin(context: Context, thread_id: str) -> Operation[bool]:
    """Keep a thread until it is unpinned.

    Returns:
        Whether the thread is there.
    """
    reply = yield RunScript(PIN, context.keys(thread_id))
    return bool(reply)


def unpin(context: Context, thread_id: str) -> Operation[bool]:
    """Let a pinned thread expire again, a full TTL from now.

    Returns:
        Whether the thread was pinned.
    """
    reply = yield RunScript(UNPIN, context.keys(thread_id), (context.ttl,))
    return bool(reply)


def ttl_of(context: Context, thread_id: str) -> Operation[timedelta | None]:
    """Return how long a thread has left: zero if it is absent, `None` if for ever."""
    left = yield TimeLeft(context.keys(thread_id))
    if left == NO_EXPIRY:
        return None
    return timedelta(milliseconds=0 if left == ABSENT else left)

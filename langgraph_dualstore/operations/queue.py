"""The queues of threads that are to be archived."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from langgraph_dualstore._steps import Argument, Due, Operation, RunScript, Together, queue_first
from langgraph_dualstore.hot.keys import SHARDS, decode_text, encode_text, queue_keys, queue_of
from langgraph_dualstore.hot.scripts import (
    QUEUE_CLAIM,
    QUEUE_FAIL,
    QUEUE_FORGET,
    QUEUE_LOOK,
    QUEUE_RELEASE,
)
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.expiry import extend_ttl, pin, unpin
from langgraph_dualstore.operations.together import together


class Claim(NamedTuple):
    """Threads that a worker has taken on.

    Attributes:
        shard: The queue that they are from.
        lease: Until when, in milliseconds of Redis' clock; also names the claim.
        thread_ids: The threads.
        others: How many more are due, or taken on by others.
        next_ms: In how many milliseconds the next one is due, -1 if none is queued.
    """

    shard: int
    lease: bytes
    thread_ids: list[str]
    others: int
    next_ms: int


class DeadLetter(NamedTuple):
    """A thread that could not be archived, and was set aside.

    Attributes:
        thread_id: The thread. It is pinned in Redis until someone decides.
        error: Why.
        failed_at: When it was tried last.
    """

    thread_id: str
    error: str
    failed_at: datetime


class Backlog(NamedTuple):
    """What waits to be archived.

    Attributes:
        queued: How many threads are queued: every one that was written to since it was
            archived.
        due: How many of them are due now.
        leased: How many workers have taken on.
        lag_ms: For how many milliseconds the first has been due; 0 if none is.
        dead: What was set aside.
        first: The thread that is or will be due first, `None` if none is queued.
    """

    queued: int
    due: int
    leased: int
    lag_ms: int
    dead: list[DeadLetter]
    first: str | None = None


def claim(context: Context, shard: int, limit: int, ahead_ms: int = 0) -> Operation[Claim]:
    """Take on up to `limit` threads of a queue that are due, or will be in `ahead_ms`."""
    lease_ms = context.settings.lease_ms
    keys = queue_keys(context.settings.prefix, shard)
    reply = yield RunScript(QUEUE_CLAIM, keys, (limit, lease_ms, ahead_ms))
    lease, members, others, next_ms = reply
    return Claim(shard, lease, [decode_text(member) for member in members], others, int(next_ms))


def release(
    context: Context, claimed: Claim, waits: Iterable[tuple[str, int | None]]
) -> Operation[None]:
    """Give up threads that were taken on.

    Args:
        context: The operation's.
        claimed: The claim.
        waits: The threads, and in how many milliseconds each is due again; `None` if it is
            done with.
    """
    arguments: list[Argument] = []
    for thread_id, wait in waits:
        arguments += (encode_text(thread_id), "" if wait is None else wait)
    if arguments:
        keys = queue_keys(context.settings.prefix, claimed.shard)
        yield RunScript(QUEUE_RELEASE, keys, (claimed.lease, *arguments))


def fail(
    context: Context, claimed: Claim, thread_id: str, error: Exception, wait: int
) -> Operation[bool]:
    """Count a failure of a thread; after too many it is set aside, and pinned.

    Returns:
        Whether it was set aside.
    """
    report = {
        "error": f"{type(error).__name__}: {error}",
        "failed_at": datetime.now(UTC).isoformat(),
    }
    arguments = (
        claimed.lease,
        encode_text(thread_id),
        context.settings.archive_attempts,
        wait,
        json.dumps(report),
    )
    keys = queue_keys(context.settings.prefix, claimed.shard)
    yield from extend_ttl(context, thread_id)
    set_aside = yield RunScript(QUEUE_FAIL, keys, arguments)
    if set_aside:
        yield from pin(context, thread_id)
    return bool(set_aside)


def revive(context: Context, thread_id: str) -> Operation[bool]:
    """Queue a thread that was set aside again, due at once.

    Returns:
        Whether it was set aside.
    """
    queue = queue_of(context.settings.prefix, thread_id)
    yield queue_first(Due(queue.due, 0, encode_text(thread_id)))
    why = yield RunScript(QUEUE_FORGET, queue, (encode_text(thread_id), "1"))
    if why is None:
        return False
    yield from unpin(context, thread_id)
    return True


def forget(context: Context, thread_id: str) -> Operation[None]:
    """Remove a thread from its queue, and from those set aside."""
    queue = queue_of(context.settings.prefix, thread_id)
    yield RunScript(QUEUE_FORGET, queue, (encode_text(thread_id), ""))


def postpone(context: Context, claimed: Claim, wait: int) -> Operation[None]:
    """Give up threads that were taken on, to be due again, and have them live until then."""
    extending = (extend_ttl(context, thread_id) for thread_id in claimed.thread_ids)
    for extended in (yield from together(extending)):
        if isinstance(extended, Exception):
            raise extended
    yield from release(context, claimed, [(thread_id, wait) for thread_id in claimed.thread_ids])


def look(context: Context) -> Operation[Backlog]:
    """Return what waits to be archived."""
    queues = [queue_keys(context.settings.prefix, shard) for shard in range(SHARDS)]
    replies = yield Together([RunScript(QUEUE_LOOK, queue) for queue in queues])
    queued, due, leased, lags, _, _ = zip(*replies, strict=True)
    firsts = [(lag, decode_text(first)) for _, _, _, lag, first, _ in replies if first]
    return Backlog(
        sum(queued),
        sum(due),
        sum(leased),
        max(0, *lags),
        [letter for *_, pairs in replies for letter in _dead_letters(pairs)],
        max(firsts, default=(0, None))[1],
    )


def _dead_letters(pairs: Sequence[bytes]) -> Iterable[DeadLetter]:
    for member, report in zip(pairs[::2], pairs[1::2], strict=True):
        found: dict[str, Any] = json.loads(report)
        failed_at = datetime.fromisoformat(found["failed_at"])
        yield DeadLetter(decode_text(member), found["error"], failed_at)

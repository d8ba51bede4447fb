"""Looking at everything in Redis, to tell whether it is as it should be."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from langgraph_dualstore._steps import ABSENT, NO_EXPIRY, Operation, RunScript, Scan, Together
from langgraph_dualstore.health import HotHealth
from langgraph_dualstore.hot.keys import SHARDS, head_pattern, queue_keys, thread_ids_of
from langgraph_dualstore.hot.scripts import LIFETIMES, QUEUE_INFO
from langgraph_dualstore.operations.context import Context

_APART_MS = 1000
"""How many milliseconds the deadlines of a thread's keys may be apart for an old Redis, in
which time goes on while a script runs."""


def survey(context: Context, seconds: float) -> Operation[HotHealth]:
    """Look at Redis, and for some time at the threads there.

    Args:
        context: The operation's.
        seconds: For how long threads are looked at.
    """
    servers = yield from _servers(context)
    threads = _Threads(context)
    node, cursor = "", 0
    pattern = head_pattern(context.settings.prefix)
    until = time.monotonic() + seconds
    while True:
        node, cursor, heads = yield Scan(pattern, node, cursor)
        yield from threads.look_at(list(thread_ids_of(context.settings.prefix, heads)))
        complete = (node, cursor) == ("", 0)
        if complete or time.monotonic() > until:
            break
    return HotHealth(
        server=", ".join(dict.fromkeys(map(_name, servers))),
        memory=_sum(servers, "used_memory"),
        memory_limit=_sum(servers, "maxmemory"),
        policy=", ".join(dict.fromkeys(told.get("maxmemory_policy", "") for told in servers)),
        evicted=_sum(servers, "evicted_keys"),
        threads=threads.seen,
        complete=complete,
        pinned=threads.pinned,
        unarchived=threads.unarchived,
        shortest=threads.shortest,
        uneven=tuple(threads.uneven),
    )


class _Threads:
    """What was found out about threads."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._seen: set[str] = set()
        self._lefts: list[int] = []
        self.pinned = 0
        self.unarchived = 0
        self.uneven: list[str] = []

    @property
    def seen(self) -> int:
        """How many there are."""
        return len(self._seen)

    @property
    def shortest(self) -> timedelta | None:
        """How long the first has left that is not archived."""
        return timedelta(milliseconds=min(self._lefts)) if self._lefts else None

    def look_at(self, thread_ids: Iterable[str]) -> Operation[None]:
        """Look at some threads; a scan may find one twice."""
        new = [thread_id for thread_id in thread_ids if thread_id not in self._seen]
        if not new:
            return
        self._seen.update(new)
        steps = [RunScript(LIFETIMES, self._context.keys(thread_id)) for thread_id in new]
        for thread_id, reply in zip(new, (yield Together(steps)), strict=True):
            if reply is None:
                self._seen.discard(thread_id)  # it has gone meanwhile
                continue
            pinned, clean, *lefts = reply
            lefts = [left for left in lefts if left != ABSENT]
            self.pinned += bool(pinned)
            if self._is_uneven(lefts, pinned=bool(pinned)):
                self.uneven.append(thread_id)
            if not clean and self._context.archiving:
                self.unarchived += 1
                self._lefts += [left for left in lefts if left != NO_EXPIRY]

    def _is_uneven(self, lefts: Sequence[int], *, pinned: bool) -> bool:
        if pinned:
            return max(lefts) != NO_EXPIRY
        if NO_EXPIRY in lefts:
            return self._context.settings.ttl_ms is not None or max(lefts) != NO_EXPIRY
        return max(lefts) - min(lefts) > _APART_MS


def _servers(context: Context) -> Operation[list[Mapping[str, str]]]:
    """Return what the servers say of themselves that have queues, each once."""
    queues = [queue_keys(context.settings.prefix, shard) for shard in range(SHARDS)]
    replies = yield Together([RunScript(QUEUE_INFO, (queue.due,)) for queue in queues])
    told = [
        dict(line.split(":", 1) for line in reply.decode().splitlines() if ":" in line)
        for reply in replies
    ]
    return list({each.get("run_id"): each for each in told}.values())


def _name(told: Mapping[str, str]) -> str:
    if version := told.get("valkey_version"):
        return f"Valkey {version}"
    version = told.get("redis_version")
    return f"Redis {version}" if version else ""


def _sum(servers: Iterable[Mapping[str, str]], name: str) -> int:
    return sum(int(told.get(name, 0)) for told in servers)

"""How a saver's two tiers are doing, and what a person should look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from langgraph_dualstore.counters import Counters
from langgraph_dualstore.infos import Servers
from langgraph_dualstore.operations.queue import Backlog
from langgraph_dualstore.settings import Settings

_KEEPS_ALL = "noeviction"
_FULL = 0.9  # of the memory that Redis may use
_SHOWN = 5  # of the threads that something is wrong with


@dataclass(slots=True, kw_only=True)
class Stats(Counters):
    """What a saver has done in this process, and what waits in the queues that all share.

    Attributes:
        queued: Threads that were written to since they were archived.
        due: Those of them that are due now.
        leased: Those that workers have taken on.
        lag: For how long the first has been due.
        dead_letters: Threads that were set aside.
    """

    queued: int
    due: int
    leased: int
    lag: timedelta
    dead_letters: int


@dataclass(frozen=True, kw_only=True)
class HotHealth:
    """What Redis says, and what its threads look like.

    Attributes:
        server: Its name and version, `""` if this user may not ask for that and the rest
            that Redis tells of itself.
        memory: How many bytes it uses; of a cluster, those of its nodes that have queues.
        memory_limit: How many it may, 0 for as many as there are.
        policy: What it does at that limit, `noeviction` if it refuses to write.
        evicted: How many keys it has thrown away since it was started.
        threads: How many threads were looked at.
        complete: Whether these are all.
        pinned: How many of them are kept until they are unpinned.
        unarchived: How many are not archived as they are.
        shortest: How long the first of these has left, `None` if none of them expires.
        uneven: Threads whose keys would not expire together, or not at all.
    """

    server: str
    memory: int
    memory_limit: int
    policy: str
    evicted: int
    threads: int
    complete: bool
    pinned: int
    unarchived: int
    shortest: timedelta | None
    uneven: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ColdHealth:
    """What the archive says.

    Attributes:
        server: Its name and version.
        schema_version: The number of the last migration.
        sessions: About how many threads it has.
        messages: About how many messages.
        size: How many bytes its tables and their indexes take.
    """

    server: str
    schema_version: int
    sessions: int
    messages: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Health:
    """How a saver's two tiers are doing.

    Attributes:
        servers: Where they are.
        hot: Redis, `None` if it cannot be asked.
        backlog: What waits to be archived, `None` if that cannot be asked.
        cold: The archive, `None` if there is none, it cannot be asked, or it does not tell.
        problems: What a person should look at, a sentence each; nothing if all is well.
    """

    servers: Servers
    hot: HotHealth | None
    backlog: Backlog | None
    cold: ColdHealth | None
    problems: tuple[str, ...]


def problems_of(settings: Settings, hot: HotHealth, backlog: Backlog) -> list[str]:
    """Return what a person should look at, as far as Redis tells."""
    problems = [
        f"thread {letter.thread_id!r} was set aside: {letter.error}"
        for letter in backlog.dead[:_SHOWN]
    ]
    if len(backlog.dead) > _SHOWN:
        problems.append(f"{len(backlog.dead) - _SHOWN} more were set aside")
    lag = timedelta(milliseconds=backlog.lag_ms)
    if lag > settings.archive_lease:
        problems.append(
            f"archiving is {lag.total_seconds():,.0f} s late, with {backlog.due:,} due: "
            "does an archiver run, and reach the archive?"
        )
    if hot.uneven:
        named = ", ".join(repr(thread_id) for thread_id in hot.uneven[:_SHOWN])
        others = len(hot.uneven) - _SHOWN
        more = f" and {others} more" if others > 0 else ""
        problems.append(f"keys that would not expire together: those of {named}{more}")
    if hot.evicted:
        problems.append(
            f"Redis has thrown away {hot.evicted:,} keys for want of memory; threads may be lost"
        )
    elif hot.memory_limit and hot.policy != _KEEPS_ALL:
        problems.append(
            f"Redis may throw keys away when its memory is full ({hot.policy}): "
            f"set maxmemory-policy {_KEEPS_ALL}"
        )
    if hot.memory_limit and hot.memory > _FULL * hot.memory_limit:
        share = hot.memory / hot.memory_limit
        problems.append(f"Redis' memory is {share:.0%} full")
    return problems

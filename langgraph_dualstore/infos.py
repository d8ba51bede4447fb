"""What people are told of threads: the results of `Library`'s methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from langgraph_dualstore.archive import Counted, Status

Where = Literal["hot", "cold", "both"]
"""`hot`: in Redis. `cold`: archived. `both`: archived, though perhaps not as it is now."""


class Servers(NamedTuple):
    """Where threads are, as it may be shown: no user, no password.

    Attributes:
        hot: Redis.
        cold: The archive, `None` if there is none.
    """

    hot: str
    cold: str | None


@dataclass(frozen=True, kw_only=True)
class ThreadInfo:
    """A thread in a list.

    Attributes:
        thread_id: The thread.
        user_id: Whose it is, `None` if its config does not say.
        status: How it stands: `"finished"`, `"interrupted"`, `"error"` or `"idle"`, which it
            also is while it runs.
        where: Which tier has it.
        started_at: When the first checkpoint that is known of was made.
        last_activity_at: When the newest one was made; `None` if there is none yet.
        turn_count: Its greatest turn.
        message_count: How many messages its transcript has, removed ones included, or its
            state, as long as it is not archived. Both counts are `None` in a list where
            they would take reading a long conversation; `thread()` does that.
        ttl: How long Redis keeps it; `None` for ever, or if it is not there.
    """

    thread_id: str
    user_id: str | None
    status: Status | None
    where: Where
    started_at: datetime | None
    last_activity_at: datetime | None
    turn_count: int | None
    message_count: int | None
    ttl: timedelta | None


@dataclass(frozen=True, kw_only=True)
class ThreadDetails(ThreadInfo):
    """A thread that was asked for.

    Attributes:
        pinned: Whether Redis keeps it until it is unpinned.
        checkpoints: How many checkpoints can be read from Redis.
        archived_at: When it was archived last, `None` if it was not, or if the archive
            does not tell.
        up_to_date: Whether it is archived as it is now.
        set_aside: Why it could not be archived, if it was set aside for that.
    """

    pinned: bool
    checkpoints: int
    archived_at: datetime | None
    up_to_date: bool
    set_aside: str | None


class ThreadPage(NamedTuple):
    """Some threads, and where the next ones are.

    Attributes:
        threads: At most as many as asked for. There may be few, or none, though others
            follow: a page looks at a bounded number of keys.
        next: What to pass as `after` for the next page, `None` if this is the last one.
    """

    threads: Sequence[ThreadInfo]
    next: str | None


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What was erased, and where.

    Attributes:
        thread_ids: The threads of which anything was found.
        hot_keys: How many keys in Redis.
        sessions: How many threads in the archive.
        messages: How many messages there.
        turns: How many turns there.
        entries: How many entries for a restore there. An archive that does not count leaves
            all but `sessions` at 0.
    """

    thread_ids: tuple[str, ...] = ()
    hot_keys: int = 0
    sessions: int = 0
    messages: int = 0
    turns: int = 0
    entries: int = 0

    def __add__(self, other: Receipt) -> Receipt:
        """Return what both say."""
        return Receipt(
            thread_ids=tuple(dict.fromkeys((*self.thread_ids, *other.thread_ids))),
            hot_keys=self.hot_keys + other.hot_keys,
            sessions=self.sessions + other.sessions,
            messages=self.messages + other.messages,
            turns=self.turns + other.turns,
            entries=self.entries + other.entries,
        )


@dataclass(frozen=True, kw_only=True)
class PurgeReport:
    """What was removed from the archive, or would be.

    Attributes:
        before: Threads that were active last before this time are concerned.
        dry_run: Whether nothing was removed.
        removed: How much.
    """

    before: datetime
    dry_run: bool
    removed: Counted

"""Listing the threads of both tiers, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from langgraph_dualstore._steps import (
    ABSENT,
    AskArchive,
    Operation,
    Scan,
    TimeLeft,
    Together,
)
from langgraph_dualstore.archive import Mark, Status, StoredSession
from langgraph_dualstore.hot.keys import head_pattern, thread_ids_of
from langgraph_dualstore.hot.records import Record, Run
from langgraph_dualstore.infos import ThreadInfo, ThreadPage
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.cursors import (
    ColdPlace,
    HotPlace,
    decode_cursor,
    digest,
    encode_cursor,
)
from langgraph_dualstore.operations.pieces import pieces_step
from langgraph_dualstore.operations.states import (
    State,
    is_rebuilt,
    peek_step,
    peeked,
    runs_of,
    state_in,
)
from langgraph_dualstore.operations.telling import (
    Hot,
    archived,
    cold_facts,
    hot_facts,
    look_at,
    status,
    unread,
)

_KEYS = range(64, 1001)
"""How many keys Redis looks at for one step: enough for a page, not so many that it blocks."""

_MOST_STEPS = 20
"""How many steps a page takes at most, in each tier."""

_CHUNK = 100  # threads that are looked at together
_MOST_BYTES = 256 * 1024  # of a state that is read to count the turns of a listed thread


class Filters(NamedTuple):
    """Which threads are listed.

    Attributes:
        user_id: Those of this user.
        status: Those that stand so.
        since: Those that were active then or later.
    """

    user_id: str | None = None
    status: Status | None = None
    since: datetime | None = None

    def may_match(self, user_id: str | None, last_activity_at: datetime | None) -> bool:
        """Tell whether a thread is one of them, as far as that can be told at once."""
        if self.user_id is not None and user_id != self.user_id:
            return False
        if self.since is None:
            return True
        return last_activity_at is not None and last_activity_at >= self.since


def list_threads(
    context: Context, filters: Filters, limit: int, after: str | None
) -> Operation[ThreadPage]:
    """Return some threads: first those in Redis, then those that are only archived.

    Raises:
        ConfigurationError: `after` is no cursor.
        ColdStoreError: The archive refused or failed.
    """
    place = decode_cursor(after)
    infos: list[ThreadInfo] = []
    if isinstance(place, HotPlace):
        following = yield from _list_hot(context, filters, limit, place, infos)
        if following is not None or not (context.archiving and context.archiving.searchable):
            return ThreadPage(infos, None if following is None else encode_cursor(following))
        place = ColdPlace()
        if len(infos) >= limit:
            return ThreadPage(infos, encode_cursor(place))
    elif not (context.archiving and context.archiving.searchable):
        return ThreadPage(infos, None)
    cold = yield from _list_cold(context, filters, limit, place, infos)
    return ThreadPage(infos, None if cold is None else encode_cursor(cold))


def _list_hot(
    context: Context, filters: Filters, limit: int, place: HotPlace, infos: list[ThreadInfo]
) -> Operation[HotPlace | None]:
    """Add threads in Redis, and return where to go on, `None` after the last."""
    prefix = context.settings.prefix
    pattern = head_pattern(prefix)
    keys = min(max(4 * limit, _KEYS.start), _KEYS.stop - 1)
    seen: set[str] = set()
    for _ in range(_MOST_STEPS):
        node, cursor, heads = yield Scan(pattern, place.node, place.cursor, keys)
        found = dict.fromkeys(thread_ids_of(prefix, heads))
        left = [name for name in found if name not in seen and digest(name) not in place.listed]
        seen |= found.keys()
        while left:
            room = limit - len(infos)
            if not room:
                listed = frozenset(digest(name) for name in found if name not in left)
                return place._replace(listed=place.listed | listed)
            chunk, left = left[: min(room, _CHUNK)], left[min(room, _CHUNK) :]
            infos += yield from _hot_infos(context, filters, chunk)
        place = HotPlace(node, cursor)
        if not node and not cursor:
            return None
        if len(infos) >= limit:
            break
    return place


def _hot_infos(
    context: Context, filters: Filters, thread_ids: Sequence[str]
) -> Operation[list[ThreadInfo]]:
    """Return what is to be told of threads in Redis, of those that match."""
    replies = yield Together([peek_step(context, thread_id) for thread_id in thread_ids])
    hot = [
        look_at(context, thread_id, found)
        for thread_id, reply in zip(thread_ids, replies, strict=True)
        if (found := peeked(thread_id, reply))
    ]
    hot = [item for item in hot if filters.may_match(item.user_id, item.last_activity_at)]
    if context.settings.is_finished is None and filters.status is not None:
        hot = [item for item in hot if status(context, item, None) == filters.status]
    marks: Mapping[str, Mark] = {}
    sessions: Mapping[str, StoredSession] = {}
    if context.archiving and hot:
        marks, sessions = yield from archived(context, [item.thread_id for item in hot])
    states = yield from _states(context, [item for item in hot if unread(item, sessions)])
    infos = [
        ThreadInfo(**hot_facts(context, item, marks, sessions, states.get(item.thread_id)))
        for item in hot
    ]
    return [info for info in infos if filters.status in (None, info.status)]


def _states(context: Context, hot: Sequence[Hot]) -> Operation[dict[str, State]]:
    """Return the states of those threads that are soon read."""
    every = context.settings.is_finished is not None
    wanted: list[tuple[Hot, Record, list[Run]]] = []
    states: dict[str, State] = {}
    for item in hot:
        record = item.found.newest
        if record is None or is_rebuilt(context, item.thread_id, record):
            continue
        runs = runs_of(record)
        if not runs:
            states[item.thread_id] = state_in(context, item.thread_id, item.found, [], [])
        elif every or sum(run.length for run in runs) <= _MOST_BYTES:
            wanted.append((item, record, runs))
    if not wanted:
        return states
    replies = yield Together(
        [
            pieces_step(context.keys(item.thread_id), record.generation, runs)
            for item, record, runs in wanted
        ]
    )
    for (item, _, runs), pieces in zip(wanted, replies, strict=True):
        if pieces is not None:  # else it was pruned, or has gone, at this moment
            states[item.thread_id] = state_in(context, item.thread_id, item.found, runs, pieces)
    return states


def _list_cold(
    context: Context, filters: Filters, limit: int, place: ColdPlace, infos: list[ThreadInfo]
) -> Operation[ColdPlace | None]:
    """Add threads that are only archived, and return where to go on, `None` after the last."""
    for _ in range(_MOST_STEPS):
        asked = max(limit - len(infos), _CHUNK)
        given = {**filters._asdict(), "limit": asked, "after": place.after}
        found: Sequence[tuple[str, StoredSession]] = yield AskArchive("find_sessions", (), given)
        left = yield Together([TimeLeft(context.keys(one.thread_id)) for _, one in found])
        for (after, session), ttl in zip(found, left, strict=True):
            if len(infos) >= limit:
                return place
            place = ColdPlace(after)
            if ttl == ABSENT:  # else it was listed, or will be the next time
                infos.append(ThreadInfo(**cold_facts(session)))
        if len(found) < asked:
            return None
        if len(infos) >= limit:
            break
    return place

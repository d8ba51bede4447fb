"""Finding threads in the tables, and removing them for good."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from langgraph_dualstore.archive import Counted, Status, StoredSession
from langgraph_dualstore.cold.queries import Queries
from langgraph_dualstore.cold.reading import to_session
from langgraph_dualstore.cold.texts import instant, name, thread_key
from langgraph_dualstore.cold.transactions import Connection, Cursor, cursor_of, pipelined
from langgraph_dualstore.errors import ConfigurationError


def statement_for(
    user_id: str | None,
    status: Status | None,
    since: datetime | None,
    *,
    limit: int,
    after: str | None,
    deleted: bool,
) -> tuple[str, dict[str, Any]]:
    """Return which statement finds the threads, and what it is given.

    Each has an index of its own, and goes through that in order.

    Raises:
        ConfigurationError: `after` is not from here.
    """
    statement = "find_sessions"
    if user_id is not None:
        statement = "find_sessions_of_user"
    elif status is not None:
        statement = "find_sessions_of_status"
    at, id_ = _place(after)
    given = {
        "user_id": None if user_id is None else name(user_id),
        "status": status,
        "since": None if since is None else instant(since),
        "limit": limit,
        "at": at,
        "id": id_,
        "deleted": deleted,
    }
    return statement, given


def to_found(columns: Sequence[Any]) -> tuple[str, StoredSession]:
    """Return what a row of `queries/find_sessions.sql` says, and where to go on from it."""
    id_, *rest = columns
    session = to_session(rest)
    at = session.last_activity_at
    return json.dumps([at.isoformat() if at else None, id_]), session


def _place(after: str | None) -> tuple[datetime | None, int | None]:
    if after is None:
        return None, None
    try:
        at, id_ = json.loads(after)
        return instant(datetime.fromisoformat(at)), int(id_)
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError("after is no cursor of this archive's") from error


def erase(connection: Connection, queries: Queries, thread_id: str, mark: str) -> Counted:
    """Erase a thread, known or not, so that it has a mark which no archive expects.

    Args:
        connection: In no transaction.
        queries: The schema's.
        thread_id: The thread.
        mark: Never used before.
    """
    given: Mapping[str, Any] = {
        "thread_key": thread_key(thread_id),
        "thread_id": "",
        "thread_bytes": None,
        "mark": mark,
    }
    with pipelined(connection):

        def run(statement: str) -> Cursor:
            return cursor_of(connection).execute(queries[statement], given)

        run("insert_tombstone")
        locking = run("lock_erased")
        deleting = [run(f"delete_{table}") for table in ("messages", "turns", "entries")]
        run("scrub_session")
        run("forget_name")
        locked = locking.fetchone()
        messages, turns, entries = (max(0, cursor.rowcount) for cursor in deleting)
    whole = bool(locked and locked[1])
    return Counted(int(whole), messages, turns, entries)

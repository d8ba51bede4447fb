"""Sessions and messages as they are read from the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langgraph_dualstore.archive import StoredMessage, StoredSession
from langgraph_dualstore.cold.messages import MessageColumns, from_sql

__all__ = ["StoredMessage", "StoredSession", "to_session", "to_stored"]


def to_session(columns: Sequence[Any]) -> StoredSession:
    """Return what a row of `queries/session.sql` says."""
    thread_id, exact, user_id, status, started_at, ended_at, last_activity_at, *rest = columns
    archived_at, turns, messages, tokens, attributes, deleted_at, checkpoint_id = rest
    return StoredSession(
        thread_id=thread_id if exact is None else exact.decode("utf-8", "surrogatepass"),
        user_id=user_id,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        last_activity_at=last_activity_at,
        archived_at=archived_at,
        turn_count=turns,
        message_count=messages,
        token_count=tokens,
        attributes=json.loads(attributes),
        deleted_at=deleted_at,
        checkpoint_id=checkpoint_id,
    )


def to_stored(columns: Sequence[Any]) -> StoredMessage:
    """Return what a row of `queries/messages.sql` says."""
    position, turn, removed_at, key, channel, role, content, tokens, created_at, meta = columns
    said = MessageColumns(key, channel, role, content, turn, tokens, created_at, meta)
    return StoredMessage(position, turn, removed_at, from_sql(said))

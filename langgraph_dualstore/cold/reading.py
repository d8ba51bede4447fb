"""Sessions and messages as they are read from the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from langgraph_dualstore.archive import MessageRow, Status
from langgraph_dualstore.cold.messages import MessageColumns, from_sql


class StoredMessage(NamedTuple):
    """A message of the transcript.

    Attributes:
        position: Its place among the session's messages, from 0.
        turn: The turn it belongs to.
        removed_at: When the graph removed it, if it did.
        row: The message.
    """

    position: int
    turn: int
    removed_at: datetime | None
    row: MessageRow


@dataclass(frozen=True, kw_only=True)
class StoredSession:
    """A thread as a whole. Of one that was deleted little else than that is known.

    Attributes:
        thread_id: The thread.
        user_id: Whose it is, if that is known.
        status: How it stood when it was archived last.
        started_at: When its first checkpoint was made.
        ended_at: When it finished, `None` if it has not.
        last_activity_at: When its newest checkpoint was made.
        archived_at: When it was archived last.
        turn_count: Its greatest turn.
        message_count: How many messages there are, removed ones included.
        token_count: The sum of the messages' tokens that are known, `None` if none are.
        attributes: Metadata, `configurable` and the chosen state channels.
        deleted_at: When it was deleted, `None` if it was not.
        checkpoint_id: The newest checkpoint of the root graph, `""` if there is none.
    """

    thread_id: str
    user_id: str | None
    status: Status | None
    started_at: datetime | None
    ended_at: datetime | None
    last_activity_at: datetime | None
    archived_at: datetime | None
    turn_count: int
    message_count: int
    token_count: int | None
    attributes: Mapping[str, Any]
    deleted_at: datetime | None
    checkpoint_id: str


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

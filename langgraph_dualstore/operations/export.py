"""A thread as objects that JSON can carry: its session, its messages, its state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from langgraph.checkpoint.serde.base import SerializerProtocol

from langgraph_dualstore._steps import AskArchive, Operation
from langgraph_dualstore.archive import StoredMessage, StoredSession
from langgraph_dualstore.cold.messages import row_to_plain
from langgraph_dualstore.cold.numbering import Known, number
from langgraph_dualstore.cold.plain import plain
from langgraph_dualstore.cold.texts import instant, name
from langgraph_dualstore.operations.archivable import everything
from langgraph_dualstore.operations.context import Archiving, Context
from langgraph_dualstore.operations.documents import state_document
from langgraph_dualstore.operations.rewrite import dump
from langgraph_dualstore.operations.telling import thread
from langgraph_dualstore.operations.turn_logs import turn_logs


def export_thread(context: Context, thread_id: str) -> Operation[Iterator[dict[str, Any]]]:
    """Return what there is of a thread, as objects each of which has its kind."""
    details = yield from thread(context, thread_id)
    sessions: Mapping[str, StoredSession] = {}
    stored: Sequence[StoredMessage] = ()
    if context.archiving and context.archiving.searchable:
        # Of a thread that was deleted the transcript may have been kept.
        sessions = yield AskArchive("sessions", ([thread_id],), {"deleted": True})
        stored = yield AskArchive("messages", (thread_id,))
    session = sessions.get(thread_id)
    if details is None and not stored:
        return iter(())
    if details is None or details.where != "cold":
        stored = yield from _with_what_is_new(context, thread_id, stored)
    logs = yield from turn_logs(context, thread_id)
    document = yield from state_document(context, thread_id)
    about = asdict(details) if details else {"thread_id": thread_id}
    if session is not None:
        about = {**_said_of(session), **about}
    serde = context.codecs.of(thread_id).serde
    return _objects(serde, about, stored, logs, document)


def _said_of(session: StoredSession) -> dict[str, Any]:
    said = asdict(session)
    del said["checkpoint_id"]
    return said


def _with_what_is_new(
    context: Context, thread_id: str, stored: Sequence[StoredMessage]
) -> Operation[Sequence[StoredMessage]]:
    """Return a transcript as it would be if the thread were archived now."""
    context = context._replace(archiving=Archiving(transcript=True, notice=_ignore))
    whole = yield from dump(context.keys(thread_id))
    # With a base of any name, it is told what the state holds no longer.
    base = "any" if stored else None
    found = everything(context, thread_id, whole, base, "") if whole else None
    if found is None:
        return stored
    archive = found.archive
    known = {
        (name(one.row.channel), name(one.row.key)): Known(at, one.row.token_count, one.removed_at)
        for at, one in enumerate(stored)
    }
    numbered = number(
        archive.messages,
        archive.present,
        known,
        message_count=max((one.position + 1 for one in stored), default=0),
        turn_count=max((one.turn for one in stored), default=0),
        now=archive.session.last_activity_at,
    )
    merged = list(stored)
    for at, row, removed_at in numbered.edited:
        merged[at] = merged[at]._replace(row=row, removed_at=removed_at)
    for at, removed_at in numbered.removals.items():
        merged[at] = merged[at]._replace(removed_at=removed_at)
    return merged + [
        StoredMessage(new.position, new.turn, new.removed_at, new.row) for new in numbered.new
    ]


def _ignore(**_: Any) -> None:
    """Nothing is queued here."""


def _objects(
    serde: SerializerProtocol,
    about: Mapping[str, Any],
    messages: Sequence[StoredMessage],
    logs: Mapping[int, Any],
    document: dict[str, Any] | None,
) -> Iterator[dict[str, Any]]:
    yield {"kind": "session", **{key: _told(value) for key, value in about.items()}}
    for one in messages:
        row = one.row
        yield {
            "kind": "message",
            "position": one.position,
            "turn": one.turn,
            "role": row.role,
            "channel": row.channel,
            "created_at": _told(row.created_at),
            "removed_at": _told(one.removed_at),
            "token_count": row.token_count,
            "message": row_to_plain(row, serde=serde),
        }
    for turn, log in logs.items():
        yield {"kind": "turn_log", "turn": turn, "log": log}
    if document is not None:
        yield {"kind": "state", "document": document}


def _told(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return instant(value).astimezone(UTC).isoformat()
    return plain(value)

"""A thread's newest state as one JSON document, and which messages its turns are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from langgraph_dualstore._steps import AskArchive, Operation
from langgraph_dualstore.cold.messages import is_message, to_plain
from langgraph_dualstore.cold.plain import plain
from langgraph_dualstore.errors import ColdStoreUnavailable
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.states import State, cold_state, fields_of, hot_state
from langgraph_dualstore.operations.transcripts import is_transcript
from langgraph_dualstore.operations.turns import ranges_of, turns_of

_OURS = ("session_id", "current_turn", "created_at", "updated_at", "_meta")


def newest_state(context: Context, thread_id: str) -> Operation[State | None]:
    """Return a thread's state as it is in Redis, else as it is archived."""
    state = yield from hot_state(context, thread_id)
    return state or (yield from cold_state(context, thread_id))


def state_document(context: Context, thread_id: str) -> Operation[dict[str, Any] | None]:
    """Return a thread's newest state as one JSON document, `None` if there is no thread."""
    state = yield from newest_state(context, thread_id)
    if state is None:
        return None
    created_at = state.started_at
    if context.archiving and context.archiving.searchable:
        # With `keep_last`, or after a restore, Redis does not know when a thread began.
        try:
            sessions = yield AskArchive("sessions", ([thread_id],))
        except ColdStoreUnavailable:
            sessions = {}
        if thread_id in sessions and sessions[thread_id].started_at:
            created_at = min(created_at, sessions[thread_id].started_at)
    return document_of(thread_id, state, created_at)


def turn_ranges(context: Context, thread_id: str) -> Operation[dict[str, dict[str, int]]]:
    """Return where each turn begins and ends in the messages of the state document."""
    state = yield from newest_state(context, thread_id)
    messages: Any = dict(fields_of(state)).get("messages") if state else None
    return ranges_of(turns_of(messages)) if _speaks(messages) else {}


def document_of(thread_id: str, state: State, created_at: datetime) -> dict[str, Any]:
    """Return a state as one JSON document."""
    fields = dict(fields_of(state))
    messages = fields.pop("messages") if _speaks(fields.get("messages", ())) else []
    clashing = {name: _plain(fields.pop(name)) for name in (*_OURS, "messages") if name in fields}
    turns = turns_of(messages)
    updated_at = state.last_activity_at.astimezone(UTC).isoformat()
    meta: dict[str, Any] = {"updated_at": updated_at, "session_id": thread_id}
    if clashing:
        meta["state"] = clashing
    return {
        "session_id": thread_id,
        "current_turn": max(turns, default=0),
        "created_at": created_at.astimezone(UTC).isoformat(),
        "updated_at": updated_at,
        "messages": _documents(messages, turns),
        **{name: _field(name, value) for name, value in fields.items()},
        "_meta": meta,
    }


def _speaks(messages: Any) -> bool:
    """Tell whether a value is a list of messages, perhaps an empty one."""
    return type(messages) is list and (not messages or is_message(messages[0]))


def _field(name: str, value: Any) -> Any:
    if is_transcript(name, value):
        return _documents(value, turns_of(value))
    return _plain(value)


def _documents(messages: Sequence[Any], turns: Sequence[int]) -> list[Any]:
    return [_document(message, turn) for message, turn in zip(messages, turns, strict=True)]


def _document(message: Any, turn: int) -> Any:
    try:
        said = to_plain(message)
    except Exception:  # noqa: BLE001 - of a kind that is not known, or with a strange attribute
        return _plain(message)
    first = {"type": said.pop("type"), "content": said.pop("content"), "turn": turn}
    said.pop("turn", None)
    return {**first, "timestamp": said.pop("timestamp", None), **said}


def _plain(value: Any) -> Any:
    try:
        return plain(value)
    except Exception:  # noqa: BLE001 - whatever code a value of the state runs
        return f"<{type(value).__module__}.{type(value).__qualname__}>"

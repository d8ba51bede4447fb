"""What people are told of a thread, from what the two tiers know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from langgraph.checkpoint.base import CheckpointTuple

from langgraph_dualstore._steps import AskArchive, Operation, RunScript
from langgraph_dualstore.archive import Mark, Status, StoredSession
from langgraph_dualstore.hot.keys import encode_text, queue_of
from langgraph_dualstore.hot.scripts import QUEUE_WHY
from langgraph_dualstore.infos import ThreadDetails, Where
from langgraph_dualstore.operations.context import Context, config_of
from langgraph_dualstore.operations.finish import pending, status_of
from langgraph_dualstore.operations.reader import load_checkpoint, load_metadata
from langgraph_dualstore.operations.scribe import time_of
from langgraph_dualstore.operations.states import Peeked, State, hot_state, owners_of, peek
from langgraph_dualstore.operations.turns import turns_of


class Hot(NamedTuple):
    """A thread in Redis, and what its newest checkpoint says."""

    thread_id: str
    found: Peeked
    user_id: str | None
    started_at: datetime | None
    last_activity_at: datetime | None


def archived(
    context: Context, thread_ids: list[str]
) -> Operation[tuple[Mapping[str, Mark], Mapping[str, StoredSession]]]:
    """Return what the archive has of some threads."""
    marks: Mapping[str, Mark] = yield AskArchive("marks", (thread_ids,))
    marks = {thread_id: mark for thread_id, mark in marks.items() if not mark.deleted}
    sessions: Mapping[str, StoredSession] = {}
    if marks and context.archiving and context.archiving.searchable:
        sessions = yield AskArchive("sessions", (list(marks),))
    return marks, sessions


def look_at(context: Context, thread_id: str, found: Peeked) -> Hot:
    """Return what the checkpoints of a thread in Redis say."""
    if found.newest is None:
        return Hot(thread_id, found, None, None, None)
    both = [record for record in (found.newest, found.oldest) if record]
    times = [time_of(load_checkpoint(context, thread_id, record)["ts"]) for record in both]
    owner = next(iter(owners_of(context, thread_id, found)), None)
    return Hot(thread_id, found, owner, min(times), times[0])


def unread(item: Hot, sessions: Mapping[str, StoredSession]) -> bool:
    """Tell whether the archive does not know how many messages and turns there are."""
    return not (item.found.clean and item.thread_id in sessions)


def hot_facts(
    context: Context,
    item: Hot,
    marks: Mapping[str, Mark],
    sessions: Mapping[str, StoredSession],
    state: State | None,
) -> dict[str, Any]:
    """Return the fields of a `ThreadInfo` on a thread in Redis.

    Args:
        context: The operation's.
        item: The thread.
        marks: What the archive has, this thread's among them if it has that.
        sessions: The same, if the archive can be searched.
        state: Its state, if that was read.
    """
    session = sessions.get(item.thread_id)
    counts: tuple[int | None, int | None] = (None, None)
    if item.found.newest is None:
        counts = (0, 0)
    elif session is not None and item.found.clean:
        counts = (session.turn_count, session.message_count)
    elif state is not None:
        lists = state.lists.values()
        turns = max((max(turns_of(messages)) for messages in lists), default=0)
        known = session or _NOTHING
        messages = sum(map(len, lists))
        counts = (max(turns, known.turn_count), max(messages, known.message_count))
    began = [at for at in (item.started_at, session.started_at if session else None) if at]
    where: Where = "both" if item.thread_id in marks else "hot"
    left = item.found.left_ms
    return {
        "thread_id": item.thread_id,
        "user_id": item.user_id or (session.user_id if session else None),
        "status": status(context, item, state),
        "where": where,
        "started_at": min(began, default=None),
        "last_activity_at": item.last_activity_at,
        "turn_count": counts[0],
        "message_count": counts[1],
        "ttl": None if left < 0 else timedelta(milliseconds=left),
    }


def status(context: Context, item: Hot, state: State | None) -> Status:
    """Return how a thread stands; a rule of the user's is shown the values, too."""
    record = item.found.newest
    if record is None or record.namespace:
        return "idle"
    checkpoint = load_checkpoint(context, item.thread_id, record)
    values = state.values if state else {}
    checkpoint["channel_values"] = {**dict.fromkeys(record.channels), **values}
    return status_of(
        context,
        CheckpointTuple(
            config_of(item.thread_id, "", record.checkpoint_id),
            checkpoint,
            load_metadata(context, item.thread_id, record),  # type: ignore[arg-type]
            None,
            pending(context, item.thread_id, item.found.writes),
        ),
    )


_NOTHING = StoredSession(
    thread_id="",
    user_id=None,
    status=None,
    started_at=None,
    ended_at=None,
    last_activity_at=None,
    archived_at=None,
    turn_count=0,
    message_count=0,
    token_count=None,
    attributes={},
    deleted_at=None,
    checkpoint_id="",
)


def cold_facts(session: StoredSession) -> dict[str, Any]:
    """Return the fields of a `ThreadInfo` on a thread that is only archived."""
    return {
        "thread_id": session.thread_id,
        "user_id": session.user_id,
        "status": session.status,
        "where": "cold",
        "started_at": session.started_at,
        "last_activity_at": session.last_activity_at,
        "turn_count": session.turn_count,
        "message_count": session.message_count,
        "ttl": None,
    }


def thread(context: Context, thread_id: str) -> Operation[ThreadDetails | None]:
    """Tell of a thread, `None` if neither tier has it.

    Raises:
        ColdStoreError: The archive refused or failed.
        CorruptRecord: What is stored of it cannot be read.
    """
    found = yield from peek(context, thread_id)
    marks: Mapping[str, Mark] = {}
    sessions: Mapping[str, StoredSession] = {}
    if context.archiving:
        marks, sessions = yield from archived(context, [thread_id])
    session = sessions.get(thread_id)
    if found is None:
        return _cold_details(thread_id, marks, session)
    item = look_at(context, thread_id, found)
    state = None
    if unread(item, sessions) or context.settings.is_finished is not None:
        state = yield from hot_state(context, thread_id)
    return ThreadDetails(
        **hot_facts(context, item, marks, sessions, state),
        pinned=found.pinned,
        checkpoints=found.checkpoints,
        archived_at=session.archived_at if session else None,
        up_to_date=found.clean and thread_id in marks,
        set_aside=(yield from _why_set_aside(context, thread_id)),
    )


def _cold_details(
    thread_id: str, marks: Mapping[str, Mark], session: StoredSession | None
) -> ThreadDetails | None:
    if thread_id not in marks:
        return None
    facts = cold_facts(session or _NOTHING)
    if session is None:
        facts |= {"thread_id": thread_id, "turn_count": None, "message_count": None}
    return ThreadDetails(
        **facts,
        pinned=False,
        checkpoints=0,
        archived_at=session.archived_at if session else None,
        up_to_date=True,
        set_aside=None,
    )


def _why_set_aside(context: Context, thread_id: str) -> Operation[str | None]:
    queue = queue_of(context.settings.prefix, thread_id)
    why = yield RunScript(QUEUE_WHY, queue, (encode_text(thread_id),))
    if why is None:
        return None
    error: str = json.loads(why)["error"]
    return error

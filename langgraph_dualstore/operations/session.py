"""What is known of a thread as a whole."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import CheckpointTuple

from langgraph_dualstore.archive import Session
from langgraph_dualstore.cold.plain import plain
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Record, Run
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.finish import pending, status_of
from langgraph_dualstore.operations.prune import Content
from langgraph_dualstore.operations.reader import Reader
from langgraph_dualstore.operations.scribe import time_of
from langgraph_dualstore.operations.transcripts import Transcript

_NOT_ATTRIBUTES = ("source", "step", "parents", "writes", "counters_since_delta_snapshot")


def runs_for_session(context: Context, root: Record | None) -> list[Run]:
    """Return the stretches of the log that are needed to tell of a session."""
    if root is None:
        return []
    wanted = context.settings.attribute_channels
    every = context.settings.is_finished is not None
    return [
        run
        for name, stored in root.channels.items()
        if every or name in wanted
        for run in stored.runs
    ]


def session_of(
    context: Context, thread_id: str, content: Content, log: LogCopy, transcript: Transcript
) -> Session:
    """Return what is known of a thread.

    Args:
        context: The operation's.
        thread_id: The thread.
        content: Its newest checkpoints and their writes.
        log: Holds `runs_for_session`.
        transcript: The messages that are archived with it.
    """
    newest = content.newest
    assert newest is not None  # noqa: S101 - what has no checkpoint is not archived
    reader = Reader.of_log(context, thread_id, newest.generation, log)
    checkpoint = reader.checkpoint(newest)
    metadata = reader.metadata(newest)
    wanted = context.settings.attribute_channels
    every = context.settings.is_finished is not None
    checkpoint["channel_values"] = {
        name: reader.value(newest, stored) if every or name in wanted else None
        for name, stored in newest.channels.items()
    }
    found = CheckpointTuple(
        {"configurable": {"thread_id": thread_id}},
        checkpoint,
        metadata,  # type: ignore[arg-type]
        None,
        pending(context, thread_id, content.writes_of(newest)),
    )
    last = time_of(checkpoint["ts"])
    user_id = metadata.get("user_id")
    attributes: dict[str, Any] = {
        name: plain(value) for name, value in metadata.items() if name not in _NOT_ATTRIBUTES
    }
    for name in wanted:
        if name in checkpoint["channel_values"]:
            attributes[name] = plain(checkpoint["channel_values"][name])
    firsts = [transcript.since] if transcript.since else []
    firsts += [time_of(reader.checkpoint(record)["ts"]) for record in content.listed]
    return Session(
        status=status_of(context, found if content.root else None),
        user_id=None if user_id is None else str(user_id),
        started_at=min(firsts),
        last_activity_at=last,
        attributes=attributes,
    )

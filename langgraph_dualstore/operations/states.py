"""The newest state of a thread for people: as it is in Redis, or as it is archived.

Reading it changes nothing: no TTL is refreshed, and no thread is brought back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from langgraph.checkpoint.serde.types import _DeltaSnapshot

from langgraph_dualstore._steps import AskArchive, Operation, RunScript
from langgraph_dualstore.archive import Archived
from langgraph_dualstore.hot.keys import encode_part
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Record, Run, decode_record, merge_runs
from langgraph_dualstore.hot.scripts import PEEK
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.delta_transcripts import DeltaTranscripts
from langgraph_dualstore.operations.pieces import log_of, pieces_step
from langgraph_dualstore.operations.prune import Content, decode_members, needs_ancestors, select
from langgraph_dualstore.operations.reader import Reader, evicted, load_checkpoint, load_metadata
from langgraph_dualstore.operations.rewrite import dump
from langgraph_dualstore.operations.scribe import time_of
from langgraph_dualstore.operations.transcripts import is_transcript

_ATTEMPTS = 4
_ROOT = encode_part("")
_WHOLE = ("__root__", "__previous__")
"""Channels that hold a state as one value: that of a graph without fields, and what a
functional entrypoint has saved."""


class Peeked(NamedTuple):
    """How a thread in Redis stands.

    Attributes:
        left_ms: Redis' PTTL of it.
        pinned: Whether it is kept until it is unpinned.
        clean: Whether it is archived as it is.
        noted: Whether it was archived before.
        checkpoints: How many can be read.
        newest: The root graph's newest; another graph's, if it has none; `None` if there are
            only writes to one that never came.
        oldest: The oldest of the same graph.
        writes: The newest one's.
    """

    left_ms: int
    pinned: bool
    clean: bool
    noted: bool
    checkpoints: int
    newest: Record | None
    oldest: Record | None
    writes: list[bytes]


class State(NamedTuple):
    """The newest state of a thread.

    Attributes:
        checkpoint: Its checkpoint, without values.
        metadata: The checkpoint's metadata.
        values: The channels that have a value, delta channels of messages included.
        lists: Those of them that are lists of messages.
        started_at: When the oldest checkpoint at hand was made.
    """

    checkpoint: Mapping[str, Any]
    metadata: Mapping[str, Any]
    values: dict[str, Any]
    lists: dict[str, list[Any]]
    started_at: datetime

    @property
    def last_activity_at(self) -> datetime:
        """When its checkpoint was made."""
        return time_of(self.checkpoint["ts"])


def peek_step(context: Context, thread_id: str) -> RunScript:
    """Return the step that asks how a thread stands."""
    return RunScript(PEEK, context.keys(thread_id), (_ROOT,))


def peeked(thread_id: str, reply: Any) -> Peeked | None:
    """Return what the answer says, `None` if the thread is absent."""
    if reply is None:
        return None
    left, pinned, clean, noted, checkpoints, newest, oldest, writes = reply
    return Peeked(
        left,
        bool(pinned),
        bool(clean),
        bool(noted),
        checkpoints,
        decode_record(newest, thread_id) if newest else None,
        decode_record(oldest, thread_id) if oldest else None,
        writes,
    )


def peek(context: Context, thread_id: str) -> Operation[Peeked | None]:
    """Return how a thread stands, `None` if it is not in Redis."""
    reply = yield peek_step(context, thread_id)
    return peeked(thread_id, reply)


def owners_of(context: Context, thread_id: str, found: Peeked) -> list[str]:
    """Return whose a thread is, as its newest and then its oldest checkpoint say."""
    records = [record for record in (found.newest, found.oldest) if record]
    users = [load_metadata(context, thread_id, record).get("user_id") for record in records]
    return [str(user) for user in users if user is not None]


def is_rebuilt(context: Context, thread_id: str, record: Record) -> bool:
    """Tell whether a checkpoint has channels that are rebuilt from its ancestors."""
    checkpoint = load_checkpoint(context, thread_id, record)
    metadata = load_metadata(context, thread_id, record)
    return needs_ancestors(checkpoint["channel_versions"], record.channels, metadata)


def runs_of(record: Record) -> list[Run]:
    """Return the stretches of the log that a checkpoint's values are in."""
    return merge_runs(record.runs)


def state_in(
    context: Context,
    thread_id: str,
    found: Peeked,
    runs: Sequence[Run],
    pieces: Sequence[bytes],
) -> State:
    """Return a thread's state, given the pieces of the log that its values are in.

    Raises:
        CorruptRecord: It cannot be decoded.
    """
    record = found.newest
    assert record is not None  # noqa: S101 - or there would be no pieces of it
    log = log_of(runs, pieces)
    content = Content([found.oldest or record, record], [], found.writes, rebuilt=False)
    return _state_of(context, thread_id, content, record, log, rebuilt=False)


def hot_state(context: Context, thread_id: str) -> Operation[State | None]:
    """Return the state of a thread in Redis, `None` if it is not there, or has none.

    Raises:
        CorruptRecord: What is stored cannot be read.
    """
    keys = context.keys(thread_id)
    for _ in range(_ATTEMPTS):
        found = yield from peek(context, thread_id)
        if found is None or found.newest is None:
            return None
        record = found.newest
        if is_rebuilt(context, thread_id, record):
            return (yield from _whole_state(context, thread_id))
        runs = runs_of(record)
        pieces = (yield pieces_step(keys, record.generation, runs)) if runs else []
        if pieces is not None:  # else it was pruned meanwhile
            return state_in(context, thread_id, found, runs, pieces)
    raise evicted(thread_id, record.checkpoint_id)


def _whole_state(context: Context, thread_id: str) -> Operation[State | None]:
    whole = yield from dump(context.keys(thread_id))
    if whole is None:
        return None
    content = select(
        context, thread_id, decode_members(thread_id, whole.members), whole.writes, None
    )
    root = content.newest
    if root is None:
        return None
    return _state_of(context, thread_id, content, root, LogCopy.whole(whole.log))


def cold_state(context: Context, thread_id: str) -> Operation[State | None]:
    """Return the state of a thread as it is archived, `None` if there is none.

    Raises:
        ColdStoreError: The archive refused or failed.
        CorruptRecord: What the archive has cannot be read.
    """
    if context.archiving is None:
        return None
    found: Archived | None = yield AskArchive("restore", (thread_id,))
    if found is None:
        return None
    entries = found.entries
    log = LogCopy.of(entries.log)
    content = select(
        context, thread_id, decode_members(thread_id, entries.members), entries.writes, None
    )
    root = content.newest
    return None if root is None else _state_of(context, thread_id, content, root, log)


def _state_of(
    context: Context,
    thread_id: str,
    content: Content,
    root: Record,
    log: LogCopy,
    *,
    rebuilt: bool = True,
) -> State:
    reader = Reader.of_log(context, thread_id, root.generation, log)
    checkpoint, metadata = reader.checkpoint(root), reader.metadata(root)
    values: dict[str, Any] = {}
    for name, stored in root.channels.items():
        value = reader.value(root, stored)
        values[name] = value.value if isinstance(value, _DeltaSnapshot) else value
    if rebuilt and needs_ancestors(checkpoint["channel_versions"], root.channels, metadata):
        deltas = DeltaTranscripts(context, thread_id, content, root, log)
        values |= {name: deltas.present(name) for name in deltas.channels}
    same = [record for record in content.listed if record.namespace == root.namespace]
    times = [time_of(load_checkpoint(context, thread_id, record)["ts"]) for record in same[:1]]
    return State(
        checkpoint,
        metadata,
        values,
        {name: value for name, value in values.items() if is_transcript(name, value)},
        min([*times, time_of(checkpoint["ts"])]),
    )


def fields_of(state: State) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a state, without the channels that are LangGraph's own."""
    for name, value in state.values.items():
        if name not in _WHOLE:
            if not name.startswith(("__", "branch:", "join:")):
                yield name, value
        elif isinstance(value, Mapping):
            yield from ((str(key), item) for key, item in value.items())
        elif is_transcript("messages", value):
            yield "messages", value
        else:
            yield name, value

"""The rows that a batch of archives writes, in the order of their statements' columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from langgraph_dualstore.archive import Entries, ThreadArchive
from langgraph_dualstore.cold.messages import to_sql
from langgraph_dualstore.cold.numbering import Numbered, Placed
from langgraph_dualstore.cold.texts import exact_bytes, instant, json_text, name, storable

Row = tuple[Any, ...]

_SESSION = (
    *("user_id", "status", "started_at", "ended_at", "last_activity_at", "turn_count"),
    *("message_count", "tokens", "attributes", "mark", "checkpoint_id", "generation", "delta"),
)
NEW_SESSION = ("thread_key", "thread_id", "thread_bytes", *_SESSION)
KNOWN_SESSION = ("id", "newest", "recount", "thread_id", "thread_bytes", *_SESSION)
MESSAGE = (
    *("session_id", "position", "turn", "role", "content", "token_count", "meta", "created_at"),
    *("message_id", "channel", "removed_at"),
)
EDIT = ("id", "role", "content", "token_count", "meta", "removed_at")
REMOVAL = ("id", "removed_at")
TURN = ("session_id", "turn", "start_position", "end_position", "created_at")
LOG = ("session_id", "turn", "log")
ENTRY = ("session_id", "kind", "position", "data")
ENTRY_TYPES = ("int8", "text", "int8", "bytea")
PRUNE = ("session_id", "kind", "start")
KEPT = ("kept_session_id", "kept_position")

_NOTHING = Entries("", delta=False, members=(), writes=(), log=())


def new_session(key: bytes, thread: ThreadArchive, numbered: Numbered) -> Row:
    """Return the row of a thread that nobody has archived yet."""
    thread_id = thread.thread_id
    return (key, storable(thread_id), exact_bytes(thread_id), *_session(thread, numbered))


def known_session(id_: int, thread: ThreadArchive, numbered: Numbered) -> Row:
    """Return what changes in the row of a thread that has been archived before."""
    newest = thread.entries is not None
    # Erasing the thread may have erased its id.
    named = (storable(thread.thread_id), exact_bytes(thread.thread_id))
    return (id_, newest, numbered.recount, *named, *_session(thread, numbered))


def _session(thread: ThreadArchive, numbered: Numbered) -> Row:
    session = thread.session
    last = instant(session.last_activity_at)
    return (
        None if session.user_id is None else name(session.user_id),
        session.status,
        instant(session.started_at),
        last if session.status == "finished" else None,
        last,
        numbered.turn_count,
        numbered.message_count,
        numbered.tokens,
        json_text(session.attributes),
        thread.mark,
        name(thread.checkpoint_id),
        name(thread.entries.generation) if thread.entries else "",
        thread.entries is not None and thread.entries.delta,
    )


@dataclass
class Rows:
    """What is written besides sessions, each of them for many.

    Attributes:
        added: Messages to add, with their sessions; `messages` makes rows of them.
        edits: `EDIT`; those to replace.
        removals: `REMOVAL`; those that were removed, or are back.
        new_turns: `TURN`; of sessions that have none.
        turns: `TURN`; of sessions that may have the same, with more messages.
        logs: `LOG`; those of turns.
        new_entries: `ENTRY`; of sessions that have none.
        entries: `ENTRY`; of sessions that may have the same.
        prunes: `PRUNE`; from where entries of a kind are dropped.
        kept: `KEPT`; pieces of the log that are not dropped.
    """

    added: list[tuple[int, Placed]] = field(default_factory=list)
    edits: list[Row] = field(default_factory=list)
    removals: list[Row] = field(default_factory=list)
    new_turns: list[Row] = field(default_factory=list)
    turns: list[Row] = field(default_factory=list)
    logs: list[Row] = field(default_factory=list)
    new_entries: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    prunes: list[Row] = field(default_factory=list)
    kept: list[Row] = field(default_factory=list)

    def add_messages(self, session_id: int, numbered: Numbered, *, new: bool) -> None:
        """Take up what changes in a session's messages and turns."""
        self.added += ((session_id, placed) for placed in numbered.new)
        for id_, row, removed_at in numbered.edited:
            said = to_sql(row)
            self.edits.append(
                (id_, said.role, said.content, said.token_count, said.meta, removed_at)
            )
        self.removals += numbered.removals.items()
        turns = self.new_turns if new else self.turns
        for turn, span in numbered.spans.items():
            turns.append((session_id, turn, span.start, span.end, instant(span.created_at)))

    def messages(self) -> Iterator[Row]:
        """Yield `MESSAGE` for each that was added: while COPY sends one, the next is made."""
        for session_id, (row, position, turn, removed_at) in self.added:
            said = to_sql(row)
            yield (
                *(session_id, position, turn, said.role, said.content, said.token_count),
                *(said.meta, instant(row.created_at), said.key, said.channel, removed_at),
            )

    def add_logs(self, session_id: int, thread: ThreadArchive) -> None:
        """Take up the logs of a session's turns."""
        self.logs += ((session_id, turn, json_text(log)) for turn, log in thread.turn_logs.items())

    def add_entries(self, session_id: int, thread: ThreadArchive, *, new: bool) -> None:
        """Take up what a restore of a session needs."""
        entries = thread.entries
        if entries is None:
            return
        rows = self.new_entries if new else self.entries
        rows += ((session_id, *entry) for entry in _rows_of(entries))
        if new:
            return
        self.prunes += (
            (session_id, "checkpoint", len(entries.members)),
            (session_id, "write", len(entries.writes)),
        )
        if thread.whole_log:
            self.prunes.append((session_id, "log", 0))
            self.kept += ((session_id, position) for position, _ in entries.log)


def _rows_of(entries: Entries) -> Iterator[tuple[str, int, bytes]]:
    for position, data in enumerate(entries.members):
        yield "checkpoint", position, data
    for position, data in enumerate(entries.writes):
        yield "write", position, data
    for position, data in entries.log:
        yield "log", position, data


def count(thread: ThreadArchive) -> int:
    """Return about how many rows a thread's archive writes."""
    entries = thread.entries or _NOTHING
    return len(thread.messages) + len(entries.members) + len(entries.writes) + len(entries.log)

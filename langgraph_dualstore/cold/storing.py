"""A batch of archives in one transaction, by a number of statements that does not grow.

First new threads are taken up, then known ones are locked, both in the order of their keys,
so that no two batches wait for each other. What is found of their messages then says what
to write. A few rows travel in one pipeline with everything else; many are copied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from langgraph_dualstore.archive import ThreadArchive
from langgraph_dualstore.cold.numbering import Known, Name, Numbered, number
from langgraph_dualstore.cold.queries import Queries
from langgraph_dualstore.cold.rows import (
    EDIT,
    ENTRY,
    ENTRY_TYPES,
    KEPT,
    KNOWN_SESSION,
    LOG,
    MESSAGE,
    NEW_SESSION,
    PRUNE,
    REMOVAL,
    TURN,
    Row,
    Rows,
    count,
    known_session,
    new_session,
)
from langgraph_dualstore.cold.texts import instant, name, thread_key
from langgraph_dualstore.cold.transactions import Connection, Cursor, cursor_of, pipelined

_FEW = 64  # rows; beyond that, COPY is worth its round trips


class _Locked(NamedTuple):
    id: int
    mark: str
    message_count: int
    turn_count: int


def store(connection: Connection, queries: Queries, threads: Sequence[ThreadArchive]) -> list[str]:
    """Store some threads in one transaction.

    Returns:
        The ids of those that were refused because the stored mark is not their base.
    """
    batch = _Batch(connection, queries, threads)
    few = sum(map(count, threads)) <= _FEW
    if few:
        with pipelined(connection):
            batch.take_up()
            batch.write()
        return batch.refused
    with connection.transaction():
        with connection.pipeline():
            batch.take_up()
        batch.copy()
        with connection.pipeline():
            batch.write()
    return batch.refused


class _Batch:
    """Some archives on their way into the tables.

    Attributes:
        refused: The ids of those that will not get there.
    """

    def __init__(
        self, connection: Connection, queries: Queries, threads: Sequence[ThreadArchive]
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._new: dict[bytes, ThreadArchive] = {}
        self._known: dict[bytes, ThreadArchive] = {}
        self._sessions: list[Row] = []
        self._rows = Rows()
        self.refused: list[str] = []
        for thread in threads:
            key = thread_key(thread.thread_id)
            if key in self._new or key in self._known:
                # The second one goes on from what is about to be stored only.
                self.refused.append(thread.thread_id)
            else:
                (self._new if thread.base is None else self._known)[key] = thread

    def take_up(self) -> None:
        """Insert or lock the sessions, and collect the rows of those that are not refused."""
        numbered = {key: _number(thread, {}) for key, thread in self._new.items()}
        inserting = self._run_rows(
            "insert_sessions",
            NEW_SESSION,
            [new_session(key, thread, numbered[key]) for key, thread in self._new.items()],
        )
        keys = list(self._known)
        locking = self._run("lock_sessions", {"thread_keys": keys}) if keys else None
        looking = self._look_up(keys)
        inserted: dict[bytes, int] = dict(inserting.fetchall()) if inserting else {}
        locked = {key: _Locked(*rest) for key, *rest in locking or ()}
        known: dict[int, dict[Name, Known]] = defaultdict(dict)
        for cursor in looking:
            for place, channel, key, *rest in cursor:
                known[place][channel, key] = Known(*rest)
        for key, session_id in inserted.items():
            self._rows.add_messages(session_id, numbered[key], new=True)
            self._rows.add_entries(session_id, self._new[key], new=True)
            self._rows.add_logs(session_id, self._new[key])
        for place, (key, thread) in enumerate(self._known.items()):
            session = locked.get(key)
            if session and session.mark == thread.base:
                self._continue(session, thread, known[place])
        self._refuse(inserted, {key: session.mark for key, session in locked.items()})

    def _look_up(self, keys: Sequence[bytes]) -> list[Cursor]:
        """Ask for the messages that matter to the known threads."""
        named: list[Row] = []
        channels: list[Row] = []
        for place, thread in enumerate(self._known.values()):
            left = {name(channel) for channel in thread.present}
            channels += ((place, channel) for channel in left)
            names = {(name(row.channel), name(row.key)) for row in thread.messages}
            named += ((place, *found) for found in names if found[0] not in left)
        given = {"thread_keys": keys}
        found = [
            self._run_rows("find_messages", ("thread", "channel", "message_id"), named, given),
            self._run_rows("find_channels", ("thread", "channel"), channels, given),
        ]
        return [cursor for cursor in found if cursor]

    def _continue(
        self, session: _Locked, thread: ThreadArchive, known: Mapping[Name, Known]
    ) -> None:
        numbered = _number(thread, known, session.message_count, session.turn_count)
        self._sessions.append(known_session(session.id, thread, numbered))
        self._rows.add_messages(session.id, numbered, new=False)
        self._rows.add_entries(session.id, thread, new=False)
        self._rows.add_logs(session.id, thread)

    def _refuse(self, inserted: Mapping[bytes, int], marks: Mapping[bytes, str]) -> None:
        """Refuse what goes on from something else; what has been stored already is stored."""
        conflicting = [key for key in self._new if key not in inserted]
        if conflicting:
            cursor = self._run("marks", {"thread_keys": conflicting})
            marks = {**marks, **{key: mark for key, mark, *_ in cursor}}
        for key, thread in (self._new | self._known).items():
            if key not in inserted and marks.get(key) not in (thread.base, thread.mark):
                self.refused.append(thread.thread_id)

    def copy(self) -> None:
        """Write what there may be much of."""
        rows = self._rows
        if rows.added:
            self._copy("copy_messages", rows.messages())
        if rows.new_turns:
            self._copy("copy_turns", rows.new_turns)
        if rows.new_entries:
            self._copy("copy_entries", rows.new_entries, ENTRY_TYPES)
        for copied in (rows.added, rows.new_turns, rows.new_entries):
            copied.clear()

    def _copy(self, statement: str, rows: Iterable[Row], types: Sequence[str] = ()) -> None:
        with cursor_of(self._connection).copy(self._queries.plain(statement)) as copy:
            if types:
                copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def write(self) -> None:
        """Write what is left."""
        rows = self._rows
        self._run_rows("insert_messages", MESSAGE, list(rows.messages()))
        self._run_rows("edit_messages", EDIT, rows.edits)
        self._run_rows("remove_messages", REMOVAL, rows.removals)
        self._run_rows("store_turns", TURN, rows.new_turns + rows.turns)
        self._run_rows("store_logs", LOG, rows.logs)
        self._run_rows("prune_entries", PRUNE, rows.prunes, _columns(KEPT, rows.kept))
        self._run_rows("store_entries", ENTRY, rows.new_entries + rows.entries)
        self._run_rows("update_sessions", KNOWN_SESSION, self._sessions)

    def _run_rows(
        self,
        statement: str,
        columns: Sequence[str],
        rows: Sequence[Row],
        given: Mapping[str, Any] | None = None,
    ) -> Cursor | None:
        if not rows:
            return None
        return self._run(statement, {**_columns(columns, rows), **(given or {})})

    def _run(self, statement: str, parameters: Mapping[str, Any]) -> Cursor:
        cursor = cursor_of(self._connection)
        return cursor.execute(self._queries[statement], parameters)


def _number(
    thread: ThreadArchive,
    known: Mapping[Name, Known],
    message_count: int = 0,
    turn_count: int = 0,
) -> Numbered:
    return number(
        thread.messages,
        thread.present,
        known,
        message_count=message_count,
        turn_count=turn_count,
        now=instant(thread.session.last_activity_at),
    )


def _columns(names: Sequence[str], rows: Sequence[Row]) -> dict[str, list[Any]]:
    if not rows:
        return {column: [] for column in names}
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))

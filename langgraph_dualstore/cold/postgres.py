"""`PostgresArchive`: threads as rows of PostgreSQL, for anyone to query."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from psycopg_pool import ConnectionPool

from langgraph_dualstore.archive import (
    Archived,
    Counted,
    Entries,
    Mark,
    Status,
    StoredMessage,
    StoredSession,
    ThreadArchive,
)
from langgraph_dualstore.cold import deleting, searching, storing
from langgraph_dualstore.cold.connections import Connections
from langgraph_dualstore.cold.faults import translate
from langgraph_dualstore.cold.queries import Queries
from langgraph_dualstore.cold.reading import to_session, to_stored
from langgraph_dualstore.cold.schema import check, set_up
from langgraph_dualstore.cold.schema import script as migrations_script
from langgraph_dualstore.cold.texts import instant, thread_key
from langgraph_dualstore.cold.transactions import Connection, cursor_of
from langgraph_dualstore.errors import ConfigurationError, SchemaMismatch
from langgraph_dualstore.health import ColdHealth

_T = TypeVar("_T")


class PostgresArchive:
    """The archive in PostgreSQL 13 or later: an `ArchiveHook`, and a `SearchableArchive`.

    Nothing is connected before first use. Its methods block and may be called from several
    threads at once. A call whose connection was dropped is repeated once on a fresh one. It
    needs nothing of a session, so a pooler in transaction mode may stand in between.

    Args:
        source: A DSN, `postgresql://user:password@host/database` or `host=… dbname=…`; or a
            `psycopg_pool.ConnectionPool`, which is never closed.
        schema: The schema of the tables.
        min_size: How many connections are kept open; only with a DSN.
        max_size: How many are opened at most; only with a DSN.
        timeout: How many seconds connecting, waiting for a free connection, or the answer
            to a question may take; the last only with a DSN.
        archive_timeout: How many seconds the server may be silent while it stores or
            deletes; only with a DSN.
        prepare_threshold: After how many executions a statement is prepared, 0 for at once,
            `None` for never: for PgBouncer before 1.21. Only with a DSN.
        application_name: How the connections name themselves in `pg_stat_activity`, unless
            the DSN says it.

    Raises:
        ConfigurationError: A value cannot be used.

    Example:
        >>> archive = PostgresArchive("postgresql://localhost/chats", schema="chat")
        >>> archive.setup()
    """

    def __init__(
        self,
        source: str | ConnectionPool[Any],
        *,
        schema: str = "public",
        min_size: int = 0,
        max_size: int = 4,
        timeout: float = 10.0,
        archive_timeout: float = 60.0,
        prepare_threshold: int | None = 5,
        application_name: str = "langgraph-dualstore",
    ) -> None:
        if not 0 <= min_size <= max_size or max_size < 1:
            raise ConfigurationError("max_size must be at least 1, and at least min_size")
        if timeout <= 0 or archive_timeout <= 0:
            raise ConfigurationError("timeout and archive_timeout must be above zero")
        if prepare_threshold is not None and prepare_threshold < 0:
            raise ConfigurationError("prepare_threshold must be 0 or more, or None for never")
        self._queries = Queries(schema)
        self._timeout = timeout
        self._archive_timeout = archive_timeout
        self._checked = False
        self._connections = Connections(
            source,
            min_size=min_size,
            max_size=max_size,
            timeout=timeout,
            prepare_threshold=prepare_threshold,
            application_name=application_name,
        )

    def __repr__(self) -> str:
        return f"<PostgresArchive {self.name}>"

    @property
    def name(self) -> str:
        """Where it is, as it may be shown: no user, no password."""
        return f"{self._connections.name}, schema {self._queries.schema}"

    def setup(self) -> list[int]:
        """Make the tables, or bring them to the version that this package needs.

        Safe at any time, and in several processes at once. It takes the right to create in
        the schema, or in the database if there is no such schema.

        Returns:
            The numbers of the migrations that were run; none if nothing was to be done.

        Raises:
            SchemaMismatch: The tables are newer than this package.
            ColdStoreError: PostgreSQL refused.
        """
        made = self._run(lambda connection: set_up(connection, self._queries), None)
        self._checked = True
        return made

    def marks(self, thread_ids: Sequence[str]) -> Mapping[str, Mark]:
        """Return the marks of those of some threads that are known."""
        ids = {thread_key(thread_id): thread_id for thread_id in thread_ids}
        if not ids:
            return {}
        rows = self._fetch("marks", {"thread_keys": list(ids)})
        return {ids[key]: Mark(*mark) for key, *mark in rows}

    def archive(self, threads: Sequence[ThreadArchive]) -> Collection[str]:
        """Store some threads, all in one transaction.

        Returns:
            The ids of those that were refused because their mark is not their base.
        """
        if not threads:
            return []
        return self._use(
            lambda connection: storing.store(connection, self._queries, threads),
            self._archive_timeout,
        )

    def restore(self, thread_id: str) -> Archived | None:
        """Return what a thread is restored from, `None` if there is nothing."""
        rows = self._fetch("restore", {"thread_key": thread_key(thread_id)})
        if not rows:
            return None
        mark, generation, delta, *_ = rows[0]
        found: dict[str, list[tuple[int, bytes]]] = {"checkpoint": [], "write": [], "log": []}
        for _, _, _, kind, position, data in rows:
            found[kind].append((position, data))
        members = [data for _, data in found["checkpoint"]]
        writes = [data for _, data in found["write"]]
        return Archived(mark, Entries(generation, delta, members, writes, found["log"]))

    def delete(self, thread_id: str, *, keep_transcript: bool) -> bool:
        """Remove a thread, for good: only a mark is left, so that no archive brings it back.

        Args:
            thread_id: The thread, known or not.
            keep_transcript: Leave session, messages and turns, and remove what a restore
                needs.

        Returns:
            Whether there was anything.
        """
        mark = secrets.token_hex(16)
        return self._use(
            lambda connection: deleting.delete(
                connection, self._queries, thread_id, mark, keep_transcript=keep_transcript
            ),
            self._archive_timeout,
        )

    def session(self, thread_id: str) -> StoredSession | None:
        """Return what is known of a thread, deleted or not; `None` if nothing ever was."""
        rows = self._fetch("session", {"thread_key": thread_key(thread_id)})
        return to_session(rows[0]) if rows else None

    def messages(self, thread_id: str, *, include_removed: bool = True) -> list[StoredMessage]:
        """Return a thread's messages in order.

        Args:
            thread_id: The thread.
            include_removed: Whether those are among them that the graph has removed.
        """
        given = {"thread_key": thread_key(thread_id), "include_removed": include_removed}
        return [to_stored(row) for row in self._fetch("messages", given)]

    def sessions(
        self, thread_ids: Sequence[str], *, deleted: bool = False
    ) -> Mapping[str, StoredSession]:
        """Return what is known of some threads.

        Args:
            thread_ids: The threads.
            deleted: Whether those are among them that were deleted.
        """
        ids = {thread_key(thread_id): thread_id for thread_id in thread_ids}
        if not ids:
            return {}
        rows = self._fetch("sessions", {"thread_keys": list(ids), "deleted": deleted})
        return {ids[key]: to_session(columns) for key, *columns in rows}

    def find_sessions(
        self,
        *,
        user_id: str | None = None,
        status: Status | None = None,
        since: datetime | None = None,
        limit: int = 100,
        after: str | None = None,
        deleted: bool = False,
    ) -> Sequence[tuple[str, StoredSession]]:
        """Return threads, the one that was active last first.

        Args:
            user_id: Only this user's.
            status: Only those that stand so.
            since: Only those that were active then or later.
            limit: How many at most.
            after: Only those that come after this one, as it was returned.
            deleted: Whether those are among them that were deleted but for their transcript.

        Returns:
            Each with what to pass as `after` for those that come after it.

        Raises:
            ConfigurationError: `after` is not from here.
        """
        statement, given = searching.statement_for(
            user_id, status, since, limit=limit, after=after, deleted=deleted
        )
        return [searching.to_found(row) for row in self._fetch(statement, given)]

    def turns(self, thread_id: str) -> Mapping[int, Any]:
        """Return the logs of a thread's turns."""
        rows = self._fetch("turn_logs", {"thread_key": thread_key(thread_id)})
        return {turn: json.loads(log) for turn, log in rows}

    def erase(self, thread_id: str) -> Counted:
        """Remove a thread for good, its id too: what is left is a digest of that and a mark.

        The mark keeps archives that are under way from bringing it back; `purge` removes it.

        Returns:
            What was removed.
        """
        mark = secrets.token_hex(16)
        return self._use(
            lambda connection: searching.erase(connection, self._queries, thread_id, mark),
            self._archive_timeout,
        )

    def purge(self, before: datetime, *, limit: int = 500, dry_run: bool = False) -> Counted:
        """Remove threads that were active or deleted last before some time, marks included.

        A thread that is being archived is left alone.

        Args:
            before: The time.
            limit: How many at most, in one transaction; as many marks besides.
            dry_run: Count all of them instead.
        """
        given = {"before": instant(before), "limit": limit}
        rows = self._fetch("count_old" if dry_run else "purge", given, self._archive_timeout)
        return Counted(*rows[0])

    def report(self) -> ColdHealth:
        """Tell how much there is; counts of many rows are PostgreSQL's estimates."""
        server, version, sessions, messages, size = self._fetch(
            "report", {"schema": self._queries.schema}
        )[0]
        return ColdHealth(
            server=f"PostgreSQL {server}",
            schema_version=version,
            sessions=sessions,
            messages=messages,
            size=size,
        )

    def close(self) -> None:
        """Close our own connections. An archive that is used again opens new ones."""
        self._connections.close()

    def _fetch(
        self, statement: str, given: Mapping[str, Any], patience: float | None = None
    ) -> list[tuple[Any, ...]]:
        def fetch(connection: Connection) -> list[tuple[Any, ...]]:
            cursor = cursor_of(connection)
            return cursor.execute(self._queries[statement], given, binary=True).fetchall()

        return self._use(fetch, patience or self._timeout)

    def _use(self, work: Callable[[Connection], _T], patience: float) -> _T:
        """Run some work on tables that are known to be there."""

        def checked(connection: Connection) -> _T:
            if not self._checked:
                check(connection, self._queries)
                self._checked = True
            return work(connection)

        try:
            return self._run(checked, patience)
        except SchemaMismatch:
            self._checked = False
            raise

    def _run(self, work: Callable[[Connection], _T], patience: float | None) -> _T:
        try:
            return self._connections.run(work, patience=patience)
        except Exception as error:
            own = translate(error)
            if own is error:
                raise
            raise own  # noqa: B904 - its cause is set


def migrations_sql(schema: str = "public") -> str:
    """Return the SQL that makes the tables, for people who run it themselves.

    Raises:
        ConfigurationError: No schema can have that name.
    """
    return migrations_script(Queries(schema))

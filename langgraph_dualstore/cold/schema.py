"""Making the tables, and telling whether they are there.

Migrations are numbered files. Each runs in a transaction of its own that waits for those of
other processes, and is recorded in `dualstore_migrations` by the same transaction.
"""

from __future__ import annotations

import hashlib

from psycopg import errors as pg

from langgraph_dualstore.cold.faults import MENDING
from langgraph_dualstore.cold.queries import Migration, Queries, migrations
from langgraph_dualstore.cold.transactions import Connection, cursor_of
from langgraph_dualstore.errors import ConfigurationError, SchemaMismatch


def set_up(connection: Connection, queries: Queries, *, upto: int | None = None) -> list[int]:
    """Bring the tables to the newest version, or to a certain one.

    Safe at any time, and in several processes at once.

    Returns:
        The numbers of the migrations that were run.

    Raises:
        ConfigurationError: The database does not store Unicode.
        SchemaMismatch: The tables are newer than this package.
    """
    if connection.info.parameter_status("server_encoding") not in ("UTF8", None):
        raise ConfigurationError("the database must have the encoding UTF8")
    steps = [step for step in migrations() if upto is None or step.number <= upto]
    applied = _applied(connection, queries)
    _refuse_newer(queries, applied)
    return [
        step.number
        for step in steps
        if step.number not in applied and _apply(connection, queries, step)
    ]


def check(connection: Connection, queries: Queries) -> None:
    """Make sure that the tables are there, in the version that this package needs.

    Raises:
        SchemaMismatch: They are not.
    """
    applied = _applied(connection, queries)
    _refuse_newer(queries, applied)
    where = f'schema "{queries.schema}"'
    if not applied:
        raise SchemaMismatch(f"{where} has no tables of langgraph-dualstore: {MENDING}")
    if missing := [step.number for step in migrations() if step.number not in applied]:
        raise SchemaMismatch(
            f"the tables in {where} have version {max(applied)}, this package needs "
            f"{max(missing)}: {MENDING}"
        )


def script(queries: Queries) -> str:
    """Return what makes the tables in an empty database, for people who run it themselves."""
    tables = ("create_schema", "create_migrations")
    parts = [queries.script(queries.source(name)) for name in tables]
    for step in migrations():
        parts += [queries.script(step.source), queries.script(_record(step))]
    body = "\n".join(f"{part.strip().rstrip(';')};\n" for part in parts)
    return f"BEGIN;\n\n{body}\nCOMMIT;\n"


def _apply(connection: Connection, queries: Queries, step: Migration) -> bool:
    """Run a migration unless another process has."""
    with connection.transaction():
        cursor = cursor_of(connection)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_lock_number(queries.schema),))
        found = cursor.execute(
            "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", (queries.schema,)
        ).fetchone()
        if found is None:  # creating it if it is missing takes a right that is rarer
            cursor.execute(queries.plain("create_schema"))
        cursor.execute(queries.plain("create_migrations"))
        cursor.execute(queries.plain("migrations"))
        if any(number == step.number for (number,) in cursor):
            return False
        cursor.execute(queries.script(step.source).encode(), prepare=False)  # several
        cursor.execute(queries.script(_record(step)).encode())
    return True


def _record(step: Migration) -> str:
    values = f"VALUES ({step.number}, '{step.name}')"
    return f"INSERT INTO {{schema}}.dualstore_migrations (number, name) {values}"


def _applied(connection: Connection, queries: Queries) -> set[int]:
    try:
        with connection.transaction():
            cursor = cursor_of(connection).execute(queries.plain("migrations"))
            return {number for (number,) in cursor}
    except (pg.UndefinedTable, pg.InvalidSchemaName):
        return set()


def _refuse_newer(queries: Queries, applied: set[int]) -> None:
    newest = max(step.number for step in migrations())
    if max(applied, default=0) > newest:
        raise SchemaMismatch(
            f'the tables in schema "{queries.schema}" have version {max(applied)}, this package '
            f"knows {newest}: pip install --upgrade langgraph-dualstore"
        )


def _lock_number(schema: str) -> int:
    digest = hashlib.sha256(f"langgraph-dualstore:{schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)

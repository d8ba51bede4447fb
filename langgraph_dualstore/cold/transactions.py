"""Cursors and transactions as this package needs them, whatever made the connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import TupleRow, tuple_row

Connection = psycopg.Connection[Any]
Cursor = psycopg.Cursor[TupleRow]


def cursor_of(connection: Connection) -> Cursor:
    """Return a cursor that gives tuples."""
    return psycopg.Cursor(connection, row_factory=tuple_row)


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Run statements as a transaction in one pipeline.

    psycopg's own `transaction()` awaits the server's answer to BEGIN, and before COMMIT.
    What was begun is still to be rolled back after an error.

    Args:
        connection: In no transaction.
    """
    with connection.pipeline():
        if connection.autocommit:  # otherwise psycopg begins one itself
            cursor_of(connection).execute("BEGIN")
        yield
        cursor_of(connection).execute("COMMIT")

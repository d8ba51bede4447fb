"""Archives to be stored, with everything that a test does not care for filled in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from eventually import eventually

from langgraph_dualstore.archive import Entries, MessageRow, Session, ThreadArchive
from langgraph_dualstore.cold import PostgresArchive

START = datetime(2024, 1, 1, tzinfo=UTC)
TABLES = ("prompt_sessions", "prompt_messages", "prompt_turns", "prompt_entries")


def said(key: str, role: str = "user", content: str | None = None, **given: Any) -> MessageRow:
    """A message; its role is a user's, and its text its key, unless said otherwise."""
    columns = {
        "channel": "messages",
        "created_at": START,
        "meta": {"original_type": "human", "id": key},
        **given,
    }
    return MessageRow(key=key, role=role, content=key if content is None else content, **columns)


def dialog(count: int, first: int = 0) -> list[MessageRow]:
    """A user and an assistant in turns."""
    return [said(f"m{n}", "assistant" if n % 2 else "user") for n in range(first, first + count)]


def entries(*members: bytes, writes: tuple[bytes, ...] = (), log: Any = ((0, b"log"),)) -> Entries:
    return Entries("abc", False, members or (b"checkpoint",), writes, log)


def archive_of(
    thread_id: str,
    *messages: MessageRow,
    base: str | None = None,
    mark: str | None = None,
    hour: int = 1,
    status: str = "finished",
    user_id: str | None = "user",
    attributes: dict[str, Any] | None = None,
    present: dict[str, Any] | None = None,
    entries: Entries = entries(),  # noqa: B008 - a constant
    whole_log: bool = True,
    started_at: datetime = START,
) -> ThreadArchive:
    return ThreadArchive(
        thread_id=thread_id,
        checkpoint_id=f"checkpoint-{hour}",
        base=base,
        mark=mark or secrets.token_hex(8),
        session=Session(
            status=status,
            user_id=user_id,
            started_at=started_at,
            last_activity_at=START + timedelta(hours=hour),
            attributes={} if attributes is None else attributes,
        ),
        messages=messages,
        present=present or {},
        entries=entries,
        whole_log=whole_log,
    )


def store(archive: PostgresArchive, thread_id: str, *messages: MessageRow, **given: Any) -> str:
    """Store what goes on from what is there, and return its mark."""
    known = archive.marks([thread_id]).get(thread_id)
    thread = archive_of(thread_id, *messages, base=known.value if known else None, **given)
    assert not archive.archive([thread])
    return thread.mark


def query(dsn: str, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def rows_of(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row, with the transaction that wrote it last."""
    return {
        table: query(dsn, f"SELECT xmin::text, t.* FROM {table} AS t ORDER BY 2, 3, 4")
        for table in TABLES
    }


def await_lock(dsn: str) -> None:
    """Wait until somebody waits for a lock."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    eventually(lambda: query(dsn, waiting))


@contextmanager
def opened(*args: Any, **given: Any) -> Iterator[PostgresArchive]:
    """An archive that is set up, and closed at the end."""
    archive = PostgresArchive(*args, **given)
    try:
        archive.setup()
        yield archive
    finally:
        archive.close()

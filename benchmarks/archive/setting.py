"""The servers of a run, and savers on them with and without an archive."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.cold.postgres import PostgresArchive
from langgraph_dualstore.embedded import EmbeddedPostgres, EmbeddedValkey


@dataclass(frozen=True)
class Setting:
    """Two servers and an archive whose tables are made."""

    redis_url: str
    postgres_url: str
    archive: PostgresArchive

    def saver(self, prefix: str, *, archived: bool = True, **options: Any) -> DualStoreSaver:
        """A saver with keys of its own."""
        hook = self.archive if archived else None
        return DualStoreSaver.from_conn_string(
            self.redis_url, archive=hook, prefix=prefix, **options
        )

    def one(self, statement: str) -> Any:
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def clear(self) -> None:
        """Empty the archive."""
        self.one("truncate prompt_sessions cascade")


@contextmanager
def setting() -> Iterator[Setting]:
    """Start the servers; they are stopped at the end."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-"))
        valkey = stack.enter_context(EmbeddedValkey(folder))
        postgres = stack.enter_context(EmbeddedPostgres(folder))
        archive = PostgresArchive(postgres.url)
        stack.callback(archive.close)
        archive.setup()
        yield Setting(valkey.url, postgres.url, archive)

"""What a demonstration plays on: two servers, a saver, and clients that look on."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import redis
from rich.console import Console

from langgraph_dualstore.cli.demo.dialogs import Dialog
from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.embedded import EmbeddedPostgres, EmbeddedValkey
from langgraph_dualstore.saver import DualStoreSaver

# What a demo that was killed had taken on is taken over when this is over.
_LEASE = timedelta(seconds=5)


class Stage:
    """The servers, the saver, the conversations, and where to print.

    Args:
        folder: Where the servers keep their data.
        dialogs: The conversations.
        console: Where to print.

    Attributes:
        saver: The saver, with an archive.
        archive: The archive.
        client: A client of Redis.
        database: A connection to PostgreSQL.
    """

    def __init__(self, folder: Path, dialogs: list[Dialog], console: Console) -> None:
        self.folder = folder
        self.dialogs = dialogs
        self.console = console
        self._valkey = EmbeddedValkey(folder)
        self._postgres = EmbeddedPostgres(folder)
        self._opened = contextlib.ExitStack()

    def open(self) -> None:
        """Start the servers and connect to them.

        Raises:
            ConfigurationError: The `embedded` extra is missing, or other servers are using
                the folder.
            StoreError: A server did not start.
            OSError: The folder cannot be used.
        """
        with contextlib.ExitStack() as opened:
            opened.enter_context(self._valkey)
            opened.enter_context(self._postgres)
            self.archive = PostgresArchive(self._postgres.url)
            opened.callback(self.archive.close)
            self.saver = opened.enter_context(
                DualStoreSaver.from_conn_string(
                    self._valkey.url, archive=self.archive, archive_lease=_LEASE
                )
            )
            self.saver.setup()
            self.client = opened.enter_context(redis.Redis.from_url(self._valkey.url))
            self.database = opened.enter_context(
                psycopg.connect(self._postgres.url, autocommit=True)
            )
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Stop the servers, which keep their data."""
        self._opened.close()

    def restart(self) -> None:
        """Stop everything and begin anew on the same folder, as a new process would."""
        self.close()
        self.open()

    @property
    def servers(self) -> str:
        """The servers' names, versions and addresses."""
        info: Any = self.client.info("server")  # redis-py types replies as sync or async
        name = info.get("server_name", "redis").capitalize()
        number = info.get("valkey_version") or info["redis_version"]
        major, minor = divmod(self.database.info.server_version, 10_000)
        about = self.database.info
        return (
            f"{name} {number} on {self._valkey.url.split('/')[2]}, "
            f"PostgreSQL {major}.{minor} on {about.host}:{about.port}"
        )

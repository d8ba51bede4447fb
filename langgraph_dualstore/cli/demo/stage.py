"""What a demonstration plays on: a server, a saver, and a client that looks on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import redis
from rich.console import Console

from langgraph_dualstore.cli.demo.dialogs import Dialog
from langgraph_dualstore.embedded import EmbeddedValkey
from langgraph_dualstore.saver import DualStoreSaver


class Stage:
    """The server, the saver, the conversations, and where to print.

    Args:
        folder: Where the server keeps its data.
        dialogs: The conversations.
        console: Where to print.
    """

    def __init__(self, folder: Path, dialogs: list[Dialog], console: Console) -> None:
        self.folder = folder
        self.dialogs = dialogs
        self.console = console
        self._server = EmbeddedValkey(folder)

    def open(self) -> None:
        """Start the server and connect to it.

        Raises:
            ConfigurationError: The `embedded` extra is missing, or another server is
                using the folder.
            OSError: The folder cannot be used.
        """
        self._server.start()
        self.saver = DualStoreSaver.from_conn_string(self._server.url)
        self.client = redis.Redis.from_url(self._server.url)

    def close(self) -> None:
        """Stop the server, which keeps its data."""
        if self._server.running:
            self.client.close()
            self.saver.close()
        self._server.stop()

    def restart(self) -> None:
        """Stop everything and begin anew on the same folder, as a new process would."""
        self.close()
        self.open()

    @property
    def server(self) -> str:
        """The server's name, version and address."""
        info: Any = self.client.info("server")  # redis-py types replies as sync or async
        name = info.get("server_name", "redis").capitalize()
        number = info.get("valkey_version") or info["redis_version"]
        return f"{name} {number} on {self._server.url.split('/')[2]}"

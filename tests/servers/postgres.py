"""One PostgreSQL that a test can stop, kill, suspend and start again on the same port."""

from __future__ import annotations

import contextlib
import secrets
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from langgraph_dualstore.embedded import EmbeddedPostgres
from langgraph_dualstore.errors import ColdStoreError
from servers.process import free_port


class PostgresProcess(EmbeddedPostgres):
    """The embedded server with any version's programs, whose data need not survive a power cut.

    `settings` are lines of its configuration: `"max_connections=5"`. What `seed` has, another
    server of the same version that is stopped, it has as well; without one it is empty, but
    takes longer to make.
    """

    def __init__(
        self, programs: Path, folder: Path, *settings: str, seed: PostgresProcess | None = None
    ) -> None:
        lines = (line.split("=", 1) for line in ("fsync=off", *settings))
        super().__init__(folder, {name.strip(): value.strip() for name, value in lines})
        self._programs = programs
        self._seed = seed
        # Not of the range that outgoing connections take from, so that it stays free.
        self._port = free_port()
        self._killed = False

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    def connect(self, **options: object) -> psycopg.Connection:
        """A plain connection without transactions, which gives up soon."""
        return psycopg.connect(self.url, autocommit=True, **{"connect_timeout": 5, **options})

    def kill(self) -> None:
        """End all of its processes at once, as a crash would: `kill -9`."""
        self._killed = self.running
        self._signal(signal.SIGKILL)
        super().stop()

    def suspend(self) -> None:
        """Freeze it: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Kill it and start it again, on the same port."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """Let it shut down, even if it is suspended."""
        self.resume()
        super().stop()

    def __exit__(self, *exception: object) -> None:
        if self._killed and not self.running:
            # It left shared memory, which only the next server on its data removes.
            with contextlib.suppress(ColdStoreError):
                self.start()
        self.stop()

    def log(self) -> str:
        return self._said().decode(errors="replace")

    def _find_programs(self) -> None:
        self._installation = self._programs.parent

    def _create(self, *arguments: object) -> None:
        if self._seed is None:
            super()._create(*arguments)
        else:
            subprocess.run(["cp", "-a", self._seed._data, self._data], check=True)

    def _signal(self, number: signal.Signals) -> None:
        """Signal the server, and what it started: each of those has a session of its own."""
        if not self.running:
            return
        server = psutil.Process(self.pid)
        # Frozen, it starts no other while its children are looked for.
        server.suspend()
        for process in (*server.children(), server):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A server that answers at `url`; `process` is there if it is one of this machine's."""

    kind: str
    url: str
    process: PostgresProcess | None = None


@contextlib.contextmanager
def fresh_database(admin: psycopg.Connection, url: str) -> Iterator[str]:
    """Make an empty database beside the one that `url` names, and drop it afterwards."""
    name = f"dualstore_test_{secrets.token_hex(8)}"
    # Nobody can be connected to template0, which would be in the way.
    admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        yield with_database(url, name)
    finally:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


_EMPTY = """
    DO $$
    DECLARE
        schema text;
    BEGIN
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
        FOR schema IN
            SELECT nspname FROM pg_namespace
            WHERE nspname <> 'information_schema' AND NOT starts_with(nspname, 'pg_')
        LOOP
            EXECUTE format('DROP SCHEMA %I CASCADE', schema);
        END LOOP;
        EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
        CREATE SCHEMA public AUTHORIZATION pg_database_owner;
        GRANT USAGE ON SCHEMA public TO PUBLIC;
    END
    $$
"""


def empty_database(dsn: str) -> None:
    """Make a database as it was when it was new: quicker than dropping it and making another."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        connection.execute(_EMPTY)


def with_database(url: str, name: str) -> str:
    """The same server's address with another database; a URL stays a URL."""
    if "://" in url:
        return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    return make_conninfo(url, dbname=name)

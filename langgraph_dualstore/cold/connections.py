"""Connections to PostgreSQL: from a pool of our own, opened when needed, or a given one."""

from __future__ import annotations

import atexit
import re
import selectors
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
import psycopg_pool
from psycopg import conninfo

from langgraph_dualstore._forks import renew_after_fork
from langgraph_dualstore.cold.faults import is_refusal
from langgraph_dualstore.cold.transactions import Connection
from langgraph_dualstore.cold.watched import ServerSilent, WatchedConnection
from langgraph_dualstore.errors import ConfigurationError

ConnectionPool = psycopg_pool.ConnectionPool[Any]

_T = TypeVar("_T")

_DIALECT = re.compile(r"^postgres(?:ql)?(?:\+\w+)?://")  # SQLAlchemy names a driver, too
_MISPLACED_AT = re.compile(r"\w+://[^/?]*/[^?]*@")
_PORTS = re.compile(r"[\d,]*")
_SLICE = 0.25  # seconds; how often a wait for a connection looks for what hinders it
_PATIENCE = 2.0  # seconds; how long a server may refuse connections that is starting
_MAX_IDLE = 300.0  # seconds; before most firewalls and cloud services drop a connection
_MAX_LIFETIME = 1800.0
_LAST_PATIENCE = 1.0  # seconds; how long a pool that nobody closed may hold up a process's end

_DEFAULTS = {
    "client_encoding": "utf8",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}

# A forked child must neither use its parent's pools nor close what these hold.
_left_to_the_parent: list[object] = []


class _BrokenError(Exception):
    """A connection that had looked fine was not."""


class Connections:
    """A way to connections. Nothing is connected before one is needed.

    Args:
        source: A DSN, for a pool of our own; or a pool, which is never closed.
        min_size: How many connections our own pool keeps open.
        max_size: How many it opens at most.
        timeout: How many seconds connecting, or waiting for a free connection, may take.
        prepare_threshold: As psycopg has it.
        application_name: How our own connections name themselves.

    Attributes:
        name: Where they lead, without a password.

    Raises:
        ConfigurationError: The source is none, or not valid.
    """

    def __init__(
        self,
        source: object,
        *,
        min_size: int,
        max_size: int,
        timeout: float,
        prepare_threshold: int | None,
        application_name: str,
    ) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._given: ConnectionPool | None = None
        self._of_parent = False
        self._own: OwnPool | None = None
        if isinstance(source, str):
            options = _options(source)
            self.name = _readable(options)
            options = {
                **_DEFAULTS,
                "connect_timeout": str(max(2, round(timeout))),
                "fallback_application_name": application_name,
                **options,
            }
            self._make: Callable[[], OwnPool] = lambda: OwnPool(
                options, min_size, max_size, prepare_threshold
            )
        else:
            self._given = _checked(source)
            self.name = f"pool {self._given.name}"
        renew_after_fork(self)
        _closed_at_exit.add(self)

    def renew(self) -> None:
        """Start anew in a forked child."""
        self._lock = threading.Lock()
        if self._own is not None:
            _left_to_the_parent.append(self._own)
            self._own = None
        self._of_parent = self._given is not None and not self._given.closed

    def close(self) -> None:
        """Close what is our own; what is used again opens anew."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None:
            own.close()

    def end(self) -> None:
        """Close what is our own for good, as the process ends: no new pool could start threads."""
        with self._lock:
            own = self._own
        if own is not None:
            own.close(_LAST_PATIENCE)

    def run(self, work: Callable[[Connection], _T], *, patience: float | None) -> _T:
        """Return what some work makes of a connection that is in no transaction.

        If the connection turns out to be broken, the work is done again on another: it must
        be such that it may have been done already.

        Args:
            work: What is to be done.
            patience: How many seconds the server may take for each answer, `None` for any.
                Not for a given pool, whose connections know no such limit.
        """
        try:
            return self._run(work, patience, again=False)
        except _BrokenError:
            return self._run(work, patience, again=True)

    def _run(self, work: Callable[[Connection], _T], patience: float | None, *, again: bool) -> _T:
        pool = self._pool()
        connection = self._take(pool)
        try:
            if isinstance(connection, WatchedConnection):
                connection.patience = patience
            with connection:  # ends what it is in the middle of; the pool keeps it
                return work(connection)
        except psycopg.OperationalError as error:
            if again or not connection.closed or isinstance(error, ServerSilent):
                raise
            raise _BrokenError from error
        finally:
            pool.putconn(connection)

    def _pool(self) -> ConnectionPool:
        if self._given is not None:
            if self._of_parent:
                raise ConfigurationError(
                    "this process was forked with an open pool, which it cannot share: "
                    "open the pool after the fork, or give a DSN"
                )
            if self._given.closed:
                raise ConfigurationError("the pool is closed: open it first, and close it last")
            return self._given
        with self._lock:
            if self._own is None:
                self._own = self._make()
                self._own.open()
            return self._own

    def _take(self, pool: ConnectionPool) -> Connection:
        deadline = time.monotonic() + self._timeout
        while True:
            left = deadline - time.monotonic()
            connection = (
                pool.take(left) if isinstance(pool, OwnPool) else pool.getconn(timeout=left)
            )
            if not _is_stale(connection):
                return connection
            connection.close()
            pool.putconn(connection)


_closed_at_exit: weakref.WeakSet[Connections] = weakref.WeakSet()


def _end_all() -> None:
    """Close pools that nobody has closed: later, their threads could not be stopped any more."""
    for connections in list(_closed_at_exit):
        connections.end()


# An archiver that uses them registers its own end after this, so that it comes before this.
atexit.register(_end_all)


class OwnPool(psycopg_pool.ConnectionPool[WatchedConnection]):
    """A pool that says why it has no connection."""

    def __init__(
        self,
        options: dict[str, str],
        min_size: int,
        max_size: int,
        prepare_threshold: int | None,
    ) -> None:
        self._failure: tuple[float, psycopg.Error] | None = None
        super().__init__(
            connection_class=self._connection_class(),
            kwargs={"autocommit": True, "prepare_threshold": prepare_threshold, **options},
            min_size=min_size,
            max_size=max_size,
            open=False,
            max_idle=_MAX_IDLE,
            max_lifetime=_MAX_LIFETIME,
            # A pool pauses longer and longer between tries. One that has given up tries
            # again as soon as somebody asks.
            reconnect_timeout=1.0,
            num_workers=1,
        )

    def _connection_class(self) -> type[WatchedConnection]:
        pool = self

        class Connection(WatchedConnection):
            @classmethod
            def connect(cls, *args: Any, **kwargs: Any) -> Any:
                try:
                    return super().connect(*args, **kwargs)
                except psycopg.Error as error:
                    pool._failure = (time.monotonic(), error)
                    raise

        return Connection

    def take(self, timeout: float) -> WatchedConnection:
        """Return a connection, or raise at once what keeps the server from giving one."""
        began = time.monotonic()
        while True:
            left = began + timeout - time.monotonic()
            try:
                return self.getconn(timeout=min(_SLICE, left))
            except psycopg_pool.PoolTimeout:
                failed, error = self._failure or (0.0, None)
                waited = time.monotonic() - began
                if (
                    error is not None
                    and failed >= began
                    and (is_refusal(error) or waited >= min(_PATIENCE, timeout))
                ):
                    raise error.with_traceback(None) from None
                if waited >= timeout:
                    raise psycopg_pool.PoolTimeout(
                        f"no connection was free within {timeout:g} s"
                    ) from None


def _is_stale(connection: Connection) -> bool:
    """Tell whether a connection has been closed by the other side, without asking it."""
    if connection.closed:
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(connection.fileno(), selectors.EVENT_READ)
        if not selector.select(0):
            return False
    try:  # an end, or a notice
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return True
    return False


def _options(dsn: str) -> dict[str, str]:
    """Return what a DSN says.

    No error of psycopg's is shown: it would repeat parts of the DSN, and with them a password.
    """
    dsn = _DIALECT.sub("postgresql://", dsn.strip())
    try:
        options = conninfo.conninfo_to_dict(dsn) if dsn else None
    except psycopg.Error:
        options = None
    if not options or _holds_a_password_in_part(dsn, options):
        raise ConfigurationError(
            "the PostgreSQL DSN is not valid; it looks like "
            "postgresql://user:password@host:5432/database or host=… dbname=…; special "
            "characters in the password are percent-encoded in the first form"
        )
    return {key: str(value) for key, value in options.items() if value is not None}


def _holds_a_password_in_part(dsn: str, options: dict[str, Any]) -> bool:
    """Tell whether an unescaped character has split a password, whose rest is now shown."""
    return "@" in str(options.get("host", "")) or (
        "://" in dsn
        and (
            _MISPLACED_AT.match(dsn) is not None
            or not _PORTS.fullmatch(str(options.get("port", "")))
        )
    )


def _readable(options: dict[str, str]) -> str:
    host, port, database = (options.get(key, "") for key in ("host", "port", "dbname"))
    return f"postgresql://{host}{':' * bool(port)}{port}/{database}"


def _checked(source: object) -> ConnectionPool:
    if isinstance(source, psycopg_pool.AsyncConnectionPool):
        raise ConfigurationError(
            "the archive needs a blocking psycopg_pool.ConnectionPool, not an "
            "AsyncConnectionPool: async calls run it on worker threads"
        )
    if not isinstance(source, psycopg_pool.ConnectionPool):
        raise ConfigurationError(
            f"the archive takes a DSN or a psycopg_pool.ConnectionPool, not {type(source).__name__}"
        )
    return source

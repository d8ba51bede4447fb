"""Where a saver's connections come from: a URL, or the clients that it is given."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Awaitable, Callable, Iterable
from os import PathLike
from typing import Any, TypeVar, cast

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.retry
import redis.cluster
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from langgraph_dualstore._driver import Driver, SyncClient
from langgraph_dualstore._driver_async import AsyncDriver
from langgraph_dualstore._faults import is_refusal
from langgraph_dualstore._lines_async import AsyncClient, Lane
from langgraph_dualstore._steps import Operation
from langgraph_dualstore.archive import ArchiveHook
from langgraph_dualstore.counters import Counters
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.infos import Servers
from langgraph_dualstore.settings import Settings

Client = SyncClient | AsyncClient

_T = TypeVar("_T")

_RETRIES = 5
_FIRST_PAUSE = 0.05  # seconds; doubled each time, with jitter
_LONGEST_PAUSE = 1.0
_SCHEMES = {"valkey://": "redis://", "valkeys://": "rediss://"}


class Connections:
    """A saver's way to Redis.

    With a blocking client alone the async API runs it on worker threads. With an asyncio
    client alone the sync API has none to use: driving it from another thread would tie
    its connections to a loop that nobody sees.

    Args:
        sync: Runs the sync API's operations.
        asynchronous: Runs the async API's operations.
        address: Where Redis is.
        hook: The archive, if there is one.
        owned: Called, in reverse order, each time the saver is closed.

    Attributes:
        counters: What a saver on them counts.
    """

    def __init__(
        self,
        sync: Driver | None,
        asynchronous: AsyncDriver | None,
        address: str,
        hook: ArchiveHook | None = None,
        owned: Iterable[Callable[[], None]] = (),
    ) -> None:
        self._sync = sync
        self._async = asynchronous
        self._address = address
        self.counters = Counters()
        for driver in (sync, asynchronous):
            if driver is not None:
                driver.counters = self.counters
        self.attach(hook)
        self._owned = tuple(owned)

    def attach(self, hook: ArchiveHook | None) -> None:
        """Have operations that ask the archive ask this one."""
        self.hook = hook
        for driver in (self._sync, self._async):
            if driver is not None:
                driver.hook = hook

    @property
    def servers(self) -> Servers:
        """Where they lead."""
        hook = self.hook
        cold = None if hook is None else str(getattr(hook, "name", type(hook).__name__))
        return Servers(self._address, cold)

    @property
    def can_block(self) -> bool:
        """Whether there is a blocking client."""
        return self._sync is not None

    def run(self, operation: Operation[_T]) -> _T:
        """Run an operation, blocking.

        Raises:
            ConfigurationError: There is no blocking client.
        """
        if self._sync is None:
            operation.close()
            raise ConfigurationError(
                "this saver was given an asyncio client only; pass a redis.Redis client too, "
                "or use from_conn_string, to call its sync methods"
            )
        return self._sync.run(operation)

    async def arun(self, operation: Operation[_T]) -> _T:
        """Run an operation on the running event loop."""
        if self._async is not None:
            return await self._async.run(operation)
        return await asyncio.to_thread(self.run, operation)

    def close(self) -> None:
        """Close what is the saver's own, but for other event loops' connections."""
        for close in reversed(self._owned):
            close()
        if self._async is not None:
            self._async.drop_closed()

    async def aclose(self) -> None:
        """Close what is the saver's own, the running loop's connections included."""
        if self._async is not None:
            await self._async.aclose()
        await asyncio.to_thread(self.close)


def archive_at(dsn: str | None, schema: str) -> ArchiveHook | None:
    """Return the archive that a DSN names, `None` for none.

    Raises:
        ConfigurationError: The DSN is not valid, or the `postgres` extra is not installed.
    """
    if dsn is None:
        return None
    from langgraph_dualstore.cold import PostgresArchive  # noqa: PLC0415 - an extra

    return PostgresArchive(dsn, schema=schema)


def from_url(
    url: str,
    settings: Settings,
    hook: ArchiveHook | None = None,
    owned: Iterable[Callable[[], None]] = (),
) -> Connections:
    """Return connections of the saver's own; none is opened before it is needed.

    Args:
        url: As redis-py takes it, or with Valkey's schemes.
        settings: The saver's.
        hook: An archive of the saver's own.
        owned: What else is to be called when they are closed, after they are.

    Raises:
        ConfigurationError: The URL is not one that the Redis client takes.
    """
    for alias, scheme in _SCHEMES.items():
        if str(url).startswith(alias):
            url = scheme + url.removeprefix(alias)
    timeout = settings.timeout.total_seconds()
    options: dict[str, Any] = {"max_connections": settings.max_connections, "timeout": timeout}
    if not str(url).startswith("unix:"):
        options |= {"socket_connect_timeout": timeout, "socket_keepalive": True}
    # Repeating a command is harmless: a put replaces itself, a write keeps its first value.
    # A server that takes too long to answer is not asked again: it would take longer.
    backoff = ExponentialWithJitterBackoff(base=_FIRST_PAUSE, cap=_LONGEST_PAUSE)
    errors = (RedisConnectionError,)
    retry = _Retry(backoff, _RETRIES, errors)
    async_retry = _AsyncRetry(backoff, _RETRIES, errors)

    def connect() -> Lane:
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url, **options, socket_timeout=None, retry=async_retry
        )
        return Lane(redis.asyncio.Redis.from_pool(pool), owned=True, timeout=timeout)

    pool = _pool(url, {**options, "socket_timeout": timeout, "retry": retry})
    if pool is None:
        raise ConfigurationError(
            "the Redis URL is not valid; it looks like redis://user:password@host:6379/0, "
            "rediss://… for TLS, or unix:///path/to/socket; special characters in the "
            "password are percent-encoded"
        )
    client = redis.Redis.from_pool(pool)
    closers = [*owned, client.close]
    if hook is not None:
        closers.append(hook.close)
    driver = Driver(client, owned=True)
    return Connections(driver, AsyncDriver(connect), address_of(client), hook, closers)


class _Retry(Retry):
    """Tries again, but not what was refused for a wrong password."""

    def call_with_retry(
        self, do: Callable[[], _T], fail: Callable[..., Any], *args: Any, **options: Any
    ) -> _T:
        def failed(error: Exception, *count: int) -> None:
            fail(error, *count)
            if is_refusal(error):
                raise error

        return super().call_with_retry(do, failed, *args, **options)


class _AsyncRetry(redis.asyncio.retry.Retry):
    """Tries again, but not what was refused for a wrong password."""

    async def call_with_retry(
        self, do: Callable[[], Awaitable[_T]], fail: Callable[..., Any], *args: Any, **options: Any
    ) -> _T:
        async def failed(error: Exception, *count: int) -> None:
            await fail(error, *count)
            if is_refusal(error):
                raise error

        return await super().call_with_retry(do, failed, *args, **options)


def _pool(url: str, options: dict[str, Any]) -> redis.BlockingConnectionPool | None:
    """Return a pool, `None` if the URL is not valid.

    No exception, which would repeat parts of the URL, and with them a password.
    """
    try:
        pool = redis.BlockingConnectionPool.from_url(url, **options)
        pool.connection_class(**pool.connection_kwargs)  # opens nothing, checks the options
    except (ValueError, TypeError, AttributeError):
        return None
    return pool


def to_embedded(path: str | PathLike[str], settings: Settings, *, postgres: bool) -> Connections:
    """Return connections to servers of the saver's own, which are started here.

    Args:
        path: Where their data lies.
        settings: The saver's.
        postgres: Whether to start a PostgreSQL too.

    Raises:
        ConfigurationError: The `embedded` extra is not installed.
        StoreError: A server did not start.
    """
    from langgraph_dualstore.embedded import (  # noqa: PLC0415 - an extra
        EmbeddedPostgres,
        EmbeddedValkey,
    )

    with contextlib.ExitStack() as started:
        valkey = started.enter_context(EmbeddedValkey(path))
        owned = [valkey.stop]
        hook = None
        if postgres:
            server = started.enter_context(EmbeddedPostgres(path))
            owned.append(server.stop)
            hook = archive_at(server.url, "public")
        started.pop_all()
        return from_url(valkey.url, settings, hook, owned)


def from_clients(clients: Iterable[object], hook: ArchiveHook | None = None) -> Connections:
    """Return connections through existing clients, which are never closed.

    Args:
        clients: A blocking client, an asyncio client, or one of each, and a connection
            pool of PostgreSQL, in any order.
        hook: The archive, instead of such a pool.

    Raises:
        ConfigurationError: There is none, two of a kind, or something else among them.
    """
    clients = tuple(clients)
    if len(clients) == 1 and isinstance(clients[0], Connections):
        opened = clients[0]
        if hook is not None:
            if opened.hook is not None:
                raise ConfigurationError("a saver takes a DSN or an archive, not both")
            opened.attach(hook)
        return opened
    pools = [client for client in clients if _is_pool(client)]
    if pools:
        if len(pools) > 1 or hook is not None:
            raise ConfigurationError("a saver takes one archive, not two")
        from langgraph_dualstore.cold import PostgresArchive  # noqa: PLC0415 - an extra

        hook = PostgresArchive(cast("Any", pools[0]))
        clients = tuple(client for client in clients if not _is_pool(client))
    return Connections(*_drivers(clients), address_of(clients[0]), hook)


def address_of(client: Any) -> str:
    """Return where a client leads, as it may be shown: without user and password."""
    pool = getattr(client, "connection_pool", None)
    if pool is None:
        nodes = client.nodes_manager.startup_nodes.values()
        return f"Redis Cluster {', '.join(f'{node.host}:{node.port}' for node in nodes)}"
    if hasattr(pool, "service_name"):
        return f"Redis Sentinel's {pool.service_name}"
    options = pool.connection_kwargs
    database = options.get("db") or 0
    if "path" in options:
        return f"unix://{options['path']}?db={database}"
    secure = issubclass(pool.connection_class, redis.SSLConnection | redis.asyncio.SSLConnection)
    place = f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
    return f"redis{'s' * secure}://{place}/{database}"


def _is_pool(client: object) -> bool:
    return type(client).__module__.startswith("psycopg_pool")


def _drivers(clients: Iterable[object]) -> tuple[Driver | None, AsyncDriver | None]:
    sync: Driver | None = None
    asynchronous: AsyncDriver | None = None
    for client in clients:
        if isinstance(client, type) or not hasattr(client, "execute_command"):
            raise ConfigurationError(
                f"a saver takes Redis clients, not {type(client).__name__}; "
                "use DualStoreSaver.from_conn_string(url) for a URL"
            )
        if inspect.iscoroutinefunction(client.execute_command):
            if asynchronous is not None:
                raise ConfigurationError("a saver takes one asyncio client, not two")
            asynchronous = AsyncDriver(_Loops(cast("AsyncClient", client)).connect)
        else:
            if sync is not None:
                raise ConfigurationError("a saver takes one blocking client, not two")
            sync = Driver(cast("SyncClient", client))
    if sync is None and asynchronous is None:
        raise ConfigurationError("a saver needs a Redis client, or use from_conn_string(url)")
    return sync, asynchronous


class _Loops:
    """Hands an asyncio client to the first event loop and its like to others."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._first = threading.Lock()  # never released: there is one first

    def connect(self) -> Lane:
        """Return the lane of a loop that has none yet."""
        if self._first.acquire(blocking=False):
            return Lane(self._client)
        pool: Any = getattr(self._client, "connection_pool", None)
        if type(pool) not in (redis.asyncio.ConnectionPool, redis.asyncio.BlockingConnectionPool):
            raise ConfigurationError(
                "the asyncio client's connections belong to the event loop that used it "
                "first; give the saver a client for each loop, or use from_conn_string"
            )
        like = redis.asyncio.BlockingConnectionPool(
            connection_class=pool.connection_class,
            max_connections=min(pool.max_connections, Settings().max_connections),
            **pool.connection_kwargs,
        )
        return Lane(redis.asyncio.Redis.from_pool(like), owned=True)

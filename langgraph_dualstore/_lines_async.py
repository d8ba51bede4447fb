"""Asyncio connections, shared by the tasks of an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import hiredis
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.client import NEVER_DECODE
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from langgraph_dualstore._faults import translate
from langgraph_dualstore._steps import Argument

AsyncClient = Redis | RedisCluster

_LINES = 2
"""How many connections a loop's commands share: a large reply on one delays few others."""

_LARGEST_BATCH = 100

_Command = tuple[Argument, ...]


class _Line(Protocol):
    """Sends commands in one go and returns the replies, a refusal as an exception among them."""

    async def exchange(self, commands: list[_Command]) -> list[Any]: ...

    async def aclose(self) -> None: ...


class Lane:
    """One event loop's way to Redis.

    A command that finds all lines busy waits, and then shares a round trip with all that
    have waited too. Many tasks so cost a fraction of what a connection for each would,
    and none finds the pool exhausted.

    Args:
        client: The connections.
        owned: Whether the client is the saver's own. One that is not is used as it is,
            with whatever its owner has made of it.
        timeout: How many seconds an exchange on an owned client may take.
    """

    def __init__(
        self, client: AsyncClient, *, owned: bool = False, timeout: float | None = None
    ) -> None:
        self.client = client
        self._owned = owned
        self._idle: list[_Line] = []
        # A cluster's client knows which node has a slot; its pipelines take no scripts.
        self._batches = isinstance(client, Redis)
        if isinstance(client, Redis):
            for _ in range(min(_LINES, client.connection_pool.max_connections)):
                kept = _KeptLine(client.connection_pool, timeout) if owned else None
                self._idle.append(kept or _ClientLine(client))
        self._waiting: deque[tuple[_Command, asyncio.Future[Any]]] = deque()
        self._flushing: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Close the connections, if they are the saver's own."""
        for line in self._idle:
            await line.aclose()
        if self._owned:
            await self.client.aclose()

    async def execute_command(self, *command: Argument) -> Any:
        """Send a command and return the reply, undecoded.

        Raises:
            RedisError: Redis refused, or the connection failed, also when tried again.
        """
        if not self._batches:
            return await self.client.execute_command(*command, **{NEVER_DECODE: True})
        if not self._idle:
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._waiting.append((command, future))
            return await future
        line = self._idle.pop()
        try:
            reply = (await line.exchange([command]))[0]
        finally:
            self._proceed(line)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _proceed(self, line: _Line) -> None:
        """Give a line that has become free to those who wait."""
        if not self._waiting:
            self._idle.append(line)
            return
        count = min(len(self._waiting), _LARGEST_BATCH)
        batch = [self._waiting.popleft() for _ in range(count)]
        # A task of its own: a caller that is cancelled must not take the others along.
        task = asyncio.get_running_loop().create_task(self._flush(line, batch))
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)

    async def _flush(self, line: _Line, batch: list[tuple[_Command, asyncio.Future[Any]]]) -> None:
        replies: list[Any] = []
        try:
            replies = await line.exchange([command for command, _ in batch])
        except Exception as error:  # noqa: BLE001 - each caller is handed one of its own
            replies = [translate(error) for _ in batch]
        finally:
            self._proceed(line)
            for n, (_, future) in enumerate(batch):
                if future.done():
                    continue  # its caller was cancelled
                if n >= len(replies):
                    future.cancel()
                elif isinstance(replies[n], Exception):
                    future.set_exception(replies[n])
                else:
                    future.set_result(replies[n])


class _ClientLine:
    """Somebody's client, used as it is."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._execute: Callable[..., Awaitable[Any]] = client.execute_command

    async def exchange(self, commands: list[_Command]) -> list[Any]:
        # Replies hold bytes that are no text, whatever the client is set to decode.
        options: dict[str, Any] = {NEVER_DECODE: True}
        if len(commands) == 1:
            try:
                return [await self._execute(*commands[0], **options)]
            except ResponseError as error:
                return [error]
        pipeline = self._client.pipeline(transaction=False)
        queue: Callable[..., Any] = pipeline.execute_command
        for command in commands:
            queue(*command, **options)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies

    async def aclose(self) -> None:
        """Leave it to its owner."""


class _KeptLine:
    """One connection that is kept: taking one from the pool costs as much as using it.

    Args:
        pool: Where it comes from.
        timeout: How many seconds an exchange may take, connecting included.
    """

    def __init__(self, pool: Any, timeout: float | None) -> None:
        self._pool = pool  # redis-py does not type its pools' methods
        self._timeout = timeout
        self._connection: AbstractConnection | None = None

    async def exchange(self, commands: list[_Command]) -> list[Any]:
        # hiredis packs in C; the connection's own way takes as long as the round trip.
        packed = [hiredis.pack_command(command) for command in commands]  # type: ignore[arg-type]

        try:
            # One deadline for all is cheaper than the connection's, one for each read.
            async with asyncio.timeout(self._timeout):
                connection = self._connection
                if connection is None:
                    connection = self._connection = await self._pool.get_connection()
                return await _ask(connection, packed)
        except BaseException as error:
            # Replies may be on their way still: they must not answer other commands.
            if self._connection is not None:
                await self._connection.disconnect(nowait=True)
            if type(error) is TimeoutError:
                raise RedisTimeoutError(f"no answer within {self._timeout} s") from error
            raise

    async def aclose(self) -> None:
        """Give the connection back to the pool."""
        if self._connection is not None:
            await self._pool.release(self._connection)
            self._connection = None


async def _ask(connection: AbstractConnection, packed: list[bytes]) -> list[Any]:
    try:
        return await _talk(connection, packed)
    except RedisError as error:
        failed = [error]

    async def again() -> list[Any]:
        if failed:
            raise failed.pop()
        return await _talk(connection, packed)

    # What tries again takes a quarter as long as an exchange, so it is asked only now.
    return await connection.retry.call_with_retry(again, lambda _error: connection.disconnect())


async def _talk(connection: AbstractConnection, packed: list[bytes]) -> list[Any]:
    await connection.send_packed_command(packed, check_health=False)
    return [await _reply(connection) for _ in packed]


async def _reply(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error

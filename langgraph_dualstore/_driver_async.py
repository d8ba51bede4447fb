"""Runs operations on asyncio connections, from any number of event loops."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.client import NEVER_DECODE
from redis.exceptions import NoScriptError, ResponseError

from langgraph_dualstore._driver import as_keys
from langgraph_dualstore._faults import translate
from langgraph_dualstore._steps import (
    Argument,
    FindHeads,
    Operation,
    RunScript,
    Step,
    command_of,
)

_T = TypeVar("_T")

AsyncClient = Redis | RedisCluster

_CONNECTIONS = 2
"""How many connections a loop's commands share: a large reply on one delays few others."""

_LARGEST_BATCH = 100

_Command = tuple[Argument, ...]


class AsyncDriver:
    """Runs operations; tasks of any event loop may.

    Connections belong to the loop in which they were opened, so each loop gets a client.

    Args:
        connect: Returns the client for a loop that has none yet, and whether the driver
            is to close it.
    """

    def __init__(self, connect: Callable[[], tuple[AsyncClient, bool]]) -> None:
        self._connect = connect
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lane] = WeakKeyDictionary()

    async def run(self, operation: Operation[_T]) -> _T:
        """Run an operation to its end and return its result.

        Raises:
            HotStoreError: Redis refused or failed.
        """
        lane = self._lane()
        try:
            step = next(operation)
            while True:
                step = operation.send(await lane.exchange(step))
        except StopIteration as finished:
            return cast("_T", finished.value)
        finally:
            operation.close()

    def _lane(self) -> _Lane:
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(loop)
        if lane is None:
            lane = self._lanes[loop] = _Lane(*self._connect())
        return lane

    async def aclose(self) -> None:
        """Close the running loop's client, if it is the driver's to close."""
        lane = self._lanes.pop(asyncio.get_running_loop(), None)
        if lane is not None:
            await lane.aclose()


class _Lane:
    """One event loop's way to Redis.

    A command that finds all connections busy waits, and then shares a round trip with
    all that have waited too. Many tasks so cost a fraction of what a connection for each
    would, and none finds the pool exhausted.
    """

    def __init__(self, client: AsyncClient, owned: bool) -> None:
        self.client = client
        self.owned = owned
        self._idle: list[_Line] = []
        # A cluster's client knows which node has a slot; it takes one command at a time.
        self._pool = client.connection_pool if isinstance(client, Redis) else None
        if self._pool is not None:
            count = min(_CONNECTIONS, self._pool.max_connections)
            self._idle = [_Line(self._pool, keep=owned) for _ in range(count)]
        self._waiting: deque[tuple[_Command, asyncio.Future[Any]]] = deque()
        self._flushing: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Give the connections back, and close the client if it is the driver's to close."""
        for line in self._idle:
            await line.release()
        if self.owned:
            await self.client.aclose()

    async def exchange(self, step: Step) -> Any:
        """Send a step and return the reply."""
        try:
            if isinstance(step, FindHeads):
                keys = [key async for key in self.client.scan_iter(match=step.pattern, count=1000)]
                return as_keys(keys)
            try:
                return await self._send(command_of(step))
            except NoScriptError:
                if not isinstance(step, RunScript):
                    raise
                return await self._send(command_of(step, load=True))
        except Exception as error:  # noqa: BLE001 - what is not Redis' goes on as it is
            raise translate(error)  # noqa: B904 - it names its cause

    async def _send(self, command: _Command) -> Any:
        if self._pool is None:
            # Replies hold bytes that are no text, whatever the client is set to decode.
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
        """Give a connection that has become free to those who wait."""
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
        replies: list[Any]
        try:
            replies = await line.exchange([command for command, _ in batch])
        except Exception as error:  # noqa: BLE001 - each caller is handed it
            replies = [copy.copy(error) for _ in batch]
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        finally:
            self._proceed(line)
        for (_, future), reply in zip(batch, replies, strict=True):
            if future.done():
                continue  # its caller was cancelled
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)


class _Line:
    """One connection.

    Args:
        pool: Where it comes from.
        keep: Whether to keep it: taking one from the pool costs as much as using it. One
            of somebody else's pool is given back each time.
    """

    def __init__(self, pool: Any, *, keep: bool) -> None:  # redis-py does not type its pools
        self._pool = pool
        self._keep = keep
        self._connection: AbstractConnection | None = None

    async def release(self) -> None:
        """Give the connection back to the pool."""
        if self._connection is not None:
            await self._pool.release(self._connection)
            self._connection = None

    async def exchange(self, commands: list[_Command]) -> list[Any]:
        """Send commands in one go and return the replies; a refusal is an exception among them.

        Raises:
            Exception: The connection failed, also when tried again as the client is set to.
        """
        connection = self._connection
        if connection is None:
            connection = self._connection = await self._pool.get_connection()

        async def talk() -> list[Any]:
            await connection.send_packed_command(connection.pack_commands(commands))
            return [await _reply(connection) for _ in commands]

        async def hang_up(_error: Exception) -> None:
            await connection.disconnect()

        try:
            return await connection.retry.call_with_retry(talk, hang_up)
        except BaseException:
            # Replies may be on their way still: they must not answer other commands.
            await connection.disconnect(nowait=True)
            raise
        finally:
            if not self._keep:
                await self.release()


async def _reply(connection: AbstractConnection) -> Any:
    try:
        # Replies hold bytes that are no text, whatever the client is set to decode.
        return await connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error

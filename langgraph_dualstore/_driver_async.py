"""Runs operations on asyncio connections, from any number of event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.client import NEVER_DECODE
from redis.exceptions import NoScriptError

from langgraph_dualstore._driver import as_keys
from langgraph_dualstore._faults import translate, translated
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

_LARGEST_BATCH = 100


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
                with translated():
                    reply = await lane.exchange(step)
                step = operation.send(reply)
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
        if lane is not None and lane.owned:
            await lane.client.aclose()


class _Lane:
    """One event loop's way to Redis.

    A command that is issued while another is under way waits for it and then shares a
    round trip with all that have waited too. Many tasks so cost a fraction of what a
    connection for each would, and none finds the pool exhausted.
    """

    def __init__(self, client: AsyncClient, owned: bool) -> None:
        self.client = client
        self.owned = owned
        self._batches = isinstance(client, Redis)  # a cluster's pipelines take no scripts
        self._busy = False
        self._waiting: list[tuple[tuple[Argument, ...], asyncio.Future[Any]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def exchange(self, step: Step) -> Any:
        """Send a step and return the reply."""
        if isinstance(step, FindHeads):
            keys = [key async for key in self.client.scan_iter(match=step.pattern, count=1000)]
            return as_keys(keys)
        try:
            return await self._send(command_of(step))
        except NoScriptError:
            if not isinstance(step, RunScript):
                raise
            return await self._call(command_of(step, load=True))

    async def _call(self, command: tuple[Argument, ...]) -> Any:
        # Replies hold bytes that are no text, whatever the client is set to decode.
        return await self.client.execute_command(*command, **{NEVER_DECODE: True})

    async def _send(self, command: tuple[Argument, ...]) -> Any:
        if not self._batches:
            return await self._call(command)
        if self._busy:
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._waiting.append((command, future))
            return await future
        self._busy = True
        try:
            return await self._call(command)
        finally:
            self._proceed()

    def _proceed(self) -> None:
        if not self._waiting:
            self._busy = False
            return
        batch = self._waiting[:_LARGEST_BATCH]
        del self._waiting[:_LARGEST_BATCH]
        # A task of its own: a caller that is cancelled must not take the others along.
        self._flushing = asyncio.get_running_loop().create_task(self._flush(batch))

    async def _flush(self, batch: list[tuple[tuple[Argument, ...], asyncio.Future[Any]]]) -> None:
        try:
            pipeline = cast("Redis", self.client).pipeline(transaction=False)
            for command, _ in batch:
                pipeline.execute_command(*command, **{NEVER_DECODE: True})
            replies = await pipeline.execute(raise_on_error=False)
        except Exception as error:  # noqa: BLE001 - each caller is handed it
            replies = [_because_of(error) for _ in batch]
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        finally:
            self._proceed()
        for (_, future), reply in zip(batch, replies, strict=True):
            if future.done():
                continue
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)


def _because_of(error: Exception) -> Exception:
    own = translate(error)
    own.__cause__ = error
    return own

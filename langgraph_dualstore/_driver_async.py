"""Runs operations on asyncio connections, from any number of event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar, cast

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError

from langgraph_dualstore._faults import translate
from langgraph_dualstore._forks import renew_after_fork
from langgraph_dualstore._lines_async import Lane
from langgraph_dualstore._steps import (
    AskArchive,
    HotStep,
    Operation,
    RunScript,
    Scan,
    Step,
    Together,
    command_of,
    node_after,
    queue_first,
)
from langgraph_dualstore.archive import ArchiveHook
from langgraph_dualstore.counters import Counters

_T = TypeVar("_T")

_THREADS = 8
"""How many calls of the archive, which block, run at once."""


class AsyncDriver:
    """Runs operations; tasks of any event loop may.

    Connections belong to the loop in which they were opened, so each loop gets a lane.

    Args:
        connect: Returns the lane of a loop that has none yet.

    Attributes:
        hook: The archive, `None` if there is none.
        counters: What counts the exchanges.
    """

    def __init__(self, connect: Callable[[], Lane]) -> None:
        self._connect = connect
        self._lanes: dict[asyncio.AbstractEventLoop, Lane] = {}
        self.hook: ArchiveHook | None = None
        self.counters = Counters()
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Start anew in a child process, which does not have its parent's threads."""
        # Threads of its own: the loop's may all be waiting for a graph that waits for this.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="dualstore-archive")

    async def run(self, operation: Operation[_T]) -> _T:
        """Run an operation to its end and return its result.

        Raises:
            HotStoreError: Redis refused or failed.
            ColdStoreError: The archive did.
        """
        lane = self._lane()
        try:
            step = next(operation)
            while True:
                try:
                    reply = await self._exchange(lane, step)
                except Exception as error:  # noqa: BLE001 - the operation decides
                    step = operation.throw(error)
                else:
                    step = operation.send(reply)
        except StopIteration as finished:
            return cast("_T", finished.value)
        finally:
            operation.close()

    async def _exchange(self, lane: Lane, step: Step) -> Any:
        if isinstance(step, AskArchive):
            ask = partial(getattr(self.hook, step.method), *step.args, **step.options)
            return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        self.counters.round_trips += 1
        if isinstance(step, Together):
            return await asyncio.gather(*(self._send(lane, one) for one in step.steps))
        if isinstance(step, Scan):
            return await _scan(lane, step)
        if isinstance(step, RunScript) and step.due and isinstance(lane.client, RedisCluster):
            self.counters.round_trips += 1
            await self._send(lane, queue_first(step.due))
            step = step._replace(due=None)
        return await self._send(lane, step)

    async def _send(self, lane: Lane, step: HotStep) -> Any:
        command = command_of(step)
        self.counters.sent(command)
        try:
            try:
                return await lane.execute_command(*command)
            except NoScriptError:
                if not isinstance(step, RunScript):
                    raise
                return await lane.execute_command(*command_of(step, load=True))
        except Exception as error:  # noqa: BLE001 - what is not Redis' goes on as it is
            raise translate(error)  # noqa: B904 - it names its cause

    def _lane(self) -> Lane:
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(loop)
        if lane is None:
            self.drop_closed()
            lane = self._lanes[loop] = self._connect()
        return lane

    def drop_closed(self) -> None:
        """Let go of loops that are closed; their sockets close with them."""
        for loop in [loop for loop in list(self._lanes) if loop.is_closed()]:
            self._lanes.pop(loop, None)

    async def aclose(self) -> None:
        """Close the running loop's lane."""
        lane = self._lanes.pop(asyncio.get_running_loop(), None)
        if lane is not None:
            await lane.aclose()
        self.drop_closed()


async def _scan(lane: Lane, step: Scan) -> tuple[str, int, list[Any]]:
    command = (step.cursor, "MATCH", step.pattern, "COUNT", step.keys)
    client = lane.client
    try:
        if not isinstance(client, RedisCluster):
            cursor, keys = await lane.execute_command("SCAN", *command)
            return "", int(cursor), keys
        await client.initialize()
        nodes = {node.name: node for node in client.get_primaries()}
        here, following = node_after(sorted(nodes), step.node)
        if here != step.node:
            command = (0, *command[1:])
        cursors, keys = await client.execute_command("SCAN", *command, target_nodes=nodes[here])
    except Exception as error:  # noqa: BLE001 - what is not Redis' goes on as it is
        raise translate(error)  # noqa: B904 - it names its cause
    cursor = int(cursors[here])
    return (here if cursor else following), cursor, keys

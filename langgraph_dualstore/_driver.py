"""Runs operations on blocking connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from redis import Redis
from redis.client import NEVER_DECODE
from redis.cluster import RedisCluster
from redis.exceptions import NoScriptError

from langgraph_dualstore._faults import translate
from langgraph_dualstore._lines import Lines
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

SyncClient = Redis | RedisCluster


class Driver:
    """Runs operations; any thread may.

    Args:
        client: The connections.
        owned: Whether the client is the saver's own. Connections of one that is not are
            taken and given back as the client does it.

    Attributes:
        hook: The archive, `None` if there is none.
        counters: What counts the exchanges.
    """

    def __init__(self, client: SyncClient, *, owned: bool = False) -> None:
        self.client = client
        self.counters = Counters()
        self.hook: ArchiveHook | None = None
        self._execute: Callable[..., Any] = client.execute_command
        if owned and isinstance(client, Redis):
            self._execute = Lines(client.connection_pool).execute_command

    def run(self, operation: Operation[_T]) -> _T:
        """Run an operation to its end and return its result.

        Raises:
            HotStoreError: Redis refused or failed.
            ColdStoreError: The archive did.
        """
        try:
            step = next(operation)
            while True:
                try:
                    reply = self._exchange(step)
                except Exception as error:  # noqa: BLE001 - the operation decides
                    step = operation.throw(error)
                else:
                    step = operation.send(reply)
        except StopIteration as finished:
            return cast("_T", finished.value)
        finally:
            operation.close()

    def _exchange(self, step: Step) -> Any:
        if isinstance(step, AskArchive):
            return getattr(self.hook, step.method)(*step.args, **step.options)
        self.counters.round_trips += 1
        if isinstance(step, Together):
            return self._send_all(step.steps)
        if isinstance(step, Scan):
            return self._scan(step)
        if isinstance(step, RunScript) and step.due and isinstance(self.client, RedisCluster):
            self.counters.round_trips += 1
            self._send(queue_first(step.due))
            step = step._replace(due=None)
        return self._send(step)

    def _send(self, step: HotStep) -> Any:
        # Replies hold bytes that are no text, whatever the client is set to decode.
        options = {NEVER_DECODE: True}
        command = command_of(step)
        self.counters.sent(command)
        try:
            try:
                return self._execute(*command, **options)
            except NoScriptError:
                if not isinstance(step, RunScript):
                    raise
                return self._execute(*command_of(step, load=True), **options)
        except Exception as error:  # noqa: BLE001 - what is not Redis' goes on as it is
            raise translate(error)  # noqa: B904 - it names its cause

    def _send_all(self, steps: Sequence[HotStep]) -> list[Any]:
        if not isinstance(self.client, Redis):  # a cluster's pipelines take no scripts
            return [self._send(step) for step in steps]
        try:
            with self.client.pipeline(transaction=False) as pipeline:
                queue: Callable[..., Any] = pipeline.execute_command
                for step in steps:
                    command = command_of(step)
                    self.counters.sent(command)
                    queue(*command, **{NEVER_DECODE: True})
                replies = pipeline.execute(raise_on_error=False)
        except Exception as error:  # noqa: BLE001 - what is not Redis' goes on as it is
            raise translate(error)  # noqa: B904 - it names its cause
        # A script that the server does not know yet, say: taken alone, a step fails or not.
        return [
            self._send(step) if isinstance(reply, Exception) else reply
            for step, reply in zip(steps, replies, strict=True)
        ]

    def _scan(self, step: Scan) -> tuple[str, int, list[Any]]:
        command = (step.cursor, "MATCH", step.pattern, "COUNT", step.keys)
        try:
            if not isinstance(self.client, RedisCluster):
                cursor, keys = self._execute("SCAN", *command, **{NEVER_DECODE: True})
                return "", int(cursor), keys
            client: Any = self.client  # redis-py does not type all of a cluster's methods
            nodes = {node.name: node for node in client.get_primaries()}
            here, following = node_after(sorted(nodes), step.node)
            if here != step.node:
                command = (0, *command[1:])
            cursors, keys = client.execute_command("SCAN", *command, target_nodes=nodes[here])
        except Exception as error:  # noqa: BLE001 - what is not Redis' goes on as it is
            raise translate(error)  # noqa: B904 - it names its cause
        cursor = int(cursors[here])
        return (here if cursor else following), cursor, keys

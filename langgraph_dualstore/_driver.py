"""Runs operations on blocking connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from redis import Redis
from redis.client import NEVER_DECODE
from redis.cluster import RedisCluster
from redis.exceptions import NoScriptError

from langgraph_dualstore._faults import translated
from langgraph_dualstore._steps import FindHeads, Operation, RunScript, Step, command_of

_T = TypeVar("_T")

SyncClient = Redis | RedisCluster


class Driver:
    """Runs operations; any thread may.

    Args:
        client: The connections.
    """

    def __init__(self, client: SyncClient) -> None:
        self.client = client
        self._execute: Callable[..., Any] = client.execute_command

    def run(self, operation: Operation[_T]) -> _T:
        """Run an operation to its end and return its result.

        Raises:
            HotStoreError: Redis refused or failed.
        """
        try:
            step = next(operation)
            while True:
                with translated():
                    reply = self._exchange(step)
                step = operation.send(reply)
        except StopIteration as finished:
            return cast("_T", finished.value)
        finally:
            operation.close()

    def _exchange(self, step: Step) -> Any:
        if isinstance(step, FindHeads):
            return as_keys(self.client.scan_iter(match=step.pattern, count=1000))
        # Replies hold bytes that are no text, whatever the client is set to decode.
        options = {NEVER_DECODE: True}
        try:
            return self._execute(*command_of(step), **options)
        except NoScriptError:
            if not isinstance(step, RunScript):
                raise
            return self._execute(*command_of(step, load=True), **options)


def as_keys(found: Any) -> list[bytes]:
    """Return scanned keys once each, as bytes even if the client decodes."""
    return list({key.encode() if isinstance(key, str) else key: None for key in found})

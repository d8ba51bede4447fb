"""Runs operations on blocking connections."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, cast

from redis import Redis
from redis.client import NEVER_DECODE
from redis.cluster import RedisCluster
from redis.exceptions import NoScriptError

from langgraph_dualstore._faults import translate
from langgraph_dualstore._steps import FindHeads, Operation, RunScript, Step, command_of

_T = TypeVar("_T")

SyncClient = Redis | RedisCluster


class Driver:
    """Runs operations; any thread may.

    Args:
        client: The connections.
        owned: Whether the client is the saver's own. Connections of one that is not are
            taken and given back as the client does it.
    """

    def __init__(self, client: SyncClient, *, owned: bool = False) -> None:
        self.client = client
        self._execute: Callable[..., Any] = client.execute_command
        if owned and isinstance(client, Redis):
            self._execute = _Lines(client.connection_pool).execute_command

    def run(self, operation: Operation[_T]) -> _T:
        """Run an operation to its end and return its result.

        Raises:
            HotStoreError: Redis refused or failed.
        """
        try:
            step = next(operation)
            while True:
                step = operation.send(self._exchange(step))
        except StopIteration as finished:
            return cast("_T", finished.value)
        finally:
            operation.close()

    def _exchange(self, step: Step) -> Any:
        # Replies hold bytes that are no text, whatever the client is set to decode.
        options = {NEVER_DECODE: True}
        try:
            if isinstance(step, FindHeads):
                return as_keys(self.client.scan_iter(match=step.pattern, count=1000))
            try:
                return self._execute(*command_of(step), **options)
            except NoScriptError:
                if not isinstance(step, RunScript):
                    raise
                return self._execute(*command_of(step, load=True), **options)
        except Exception as error:  # noqa: BLE001 - what is not Redis' goes on as it is
            raise translate(error)  # noqa: B904 - it names its cause


class _Lines:
    """Connections that are kept: a pool takes as long to hand one out as to use it.

    Args:
        pool: Opens them and bounds their number; a call that finds none free waits.
    """

    def __init__(self, pool: Any) -> None:  # redis-py does not type its pools' methods
        self._pool = pool
        self._idle: list[Any] = []
        self._waiting = 0
        self._lock = threading.Lock()
        _at_fork(self)

    def execute_command(self, *command: Any, **_options: Any) -> Any:
        """Send a command and return the reply, undecoded.

        Raises:
            RedisError: Redis refused, or the connection failed, also when tried again.
        """
        connection = self._take()
        try:
            return connection.retry.call_with_retry(
                lambda: self._talk(connection, command),
                lambda _error: connection.disconnect(),
            )
        finally:
            self._give_back(connection)

    @staticmethod
    def _talk(connection: Any, command: tuple[Any, ...]) -> Any:
        connection.send_command(*command, check_health=False)
        return connection.read_response(disable_decoding=True)

    def _take(self) -> Any:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            self._waiting += 1
        try:
            return self._pool.get_connection()
        finally:
            with self._lock:
                self._waiting -= 1

    def _give_back(self, connection: Any) -> None:
        with self._lock:
            if not self._waiting:
                self._idle.append(connection)
                return
        self._pool.release(connection)

    def forget(self) -> None:
        """Start anew in a child process: the connections are the parent's."""
        self._idle = []
        self._waiting = 0
        self._lock = threading.Lock()


def _at_fork(lines: _Lines) -> None:
    reference = weakref.ref(lines)

    def forget() -> None:
        if (living := reference()) is not None:
            living.forget()

    os.register_at_fork(after_in_child=forget)


def as_keys(found: Any) -> list[bytes]:
    """Return scanned keys once each, as bytes even if the client decodes."""
    return list({key.encode() if isinstance(key, str) else key: None for key in found})

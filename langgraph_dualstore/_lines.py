"""Blocking connections, shared by the threads of a process."""

from __future__ import annotations

import threading
from typing import Any

import hiredis
from redis.exceptions import RedisError, ResponseError

from langgraph_dualstore._forks import renew_after_fork


class Lines:
    """Connections that are kept: a pool takes as long to hand one out as to use it.

    Args:
        pool: Opens them and bounds their number; a call that finds none free waits.
    """

    def __init__(self, pool: Any) -> None:  # redis-py does not type its pools' methods
        self._pool = pool
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Start anew in a child process: the connections are the parent's."""
        self._idle: list[Any] = []
        self._waiting = 0
        self._lock = threading.Lock()

    def execute_command(self, *command: Any, **_options: Any) -> Any:
        """Send a command and return the reply, undecoded.

        Raises:
            RedisError: Redis refused, or the connection failed, also when tried again.
        """
        # hiredis packs in C what the connection would first look at piece by piece.
        packed = hiredis.pack_command(command)
        connection = self._take()
        try:
            return self._ask(connection, packed)
        except ResponseError:
            raise
        except BaseException:
            # A reply may be on its way still: it must not answer another command.
            connection.disconnect()
            raise
        finally:
            self._give_back(connection)

    def _ask(self, connection: Any, packed: bytes) -> Any:
        try:
            return self._talk(connection, packed)
        except ResponseError:
            raise
        except RedisError as error:
            failed = [error]

        def again() -> Any:
            if failed:
                raise failed.pop()
            return self._talk(connection, packed)

        # What tries again takes a quarter as long as an exchange, so it is asked only now.
        return connection.retry.call_with_retry(again, lambda _error: connection.disconnect())

    @staticmethod
    def _talk(connection: Any, packed: bytes) -> Any:
        connection.send_packed_command([packed], check_health=False)
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

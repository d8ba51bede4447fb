"""A connection that does not wait forever for a server which has fallen silent."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg

_T = TypeVar("_T")


class ServerSilent(psycopg.OperationalError):
    """The server did not answer in time; the connection is closed."""


class WatchedConnection(psycopg.Connection[Any]):
    """A connection of our own pool.

    A server that is suspended, or a network that is cut, leaves a client waiting for hours;
    psycopg sets no limit, and one that the server is to enforce would not help here.

    Attributes:
        patience: How many seconds the server may be silent while it owes an answer; `None`
            for no end.
    """

    patience: float | None = None

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a generator of psycopg's on this connection."""
        if self.patience is None:
            return super().wait(gen, *args, **kwargs)
        try:
            return super().wait(_watched(gen, self.patience), *args, **kwargs)
        except ServerSilent:
            self.close()
            raise


def _watched(generator: Generator[Any, Any, _T], patience: float) -> Generator[Any, Any, _T]:
    """Pass everything on, as long as something happens on the connection."""
    try:
        wanted = next(generator)
        heard = time.monotonic()
        while True:
            # psycopg reports at least every 0.1 s, then without anything that is ready.
            ready = yield wanted
            now = time.monotonic()
            if ready:
                heard = now
            elif now - heard > patience:
                raise ServerSilent(f"no answer within {patience:g} s")
            wanted = generator.send(ready)
    except StopIteration as stop:
        result: _T = stop.value
        return result

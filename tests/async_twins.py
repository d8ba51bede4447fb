"""A saver's async methods, called one by one as if they were its sync ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from other_loop import AsyncMethodsInALoop

from langgraph_dualstore import DualStoreSaver


class AsyncTwins(AsyncMethodsInALoop):
    """Calls `aprune` for `prune` and so on, all in one loop of its own."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        twin = getattr(self.saver, f"a{name}")
        return lambda *args, **kwargs: self.loop.run(twin(*args, **kwargs))


@contextlib.contextmanager
def opened(url: str, methods: str, **options: Any) -> Iterator[Any]:
    """A saver on a server, by its `"sync"` or its `"async"` methods."""
    with DualStoreSaver.from_conn_string(url, **options) as saver:
        if methods == "sync":
            yield saver
            return
        twins = AsyncTwins(saver)
        try:
            yield twins
        finally:
            twins.loop.run(saver.aclose())
            twins.close()

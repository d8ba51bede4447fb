"""The servers and savers of one run, opened when first needed and closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager

from langgraph.checkpoint.memory import InMemorySaver

from benchmarks.savers import KINDS, Saver
from benchmarks.servers import Server


class Opened:
    """Gives out each saver, once per API and way of opening.

    Async savers live in one event loop for the whole run (``runner``).
    """

    def __init__(self, runner: asyncio.Runner, stack: ExitStack, astack: AsyncExitStack) -> None:
        self.runner = runner
        self._stack = stack
        self._astack = astack
        self._servers: dict[str, Server] = {}
        self._savers: dict[tuple[str, str, bool], Saver] = {}

    def server(self, name: str) -> Server | None:
        """The saver's own server, or None where it has none."""
        start = KINDS[name].server
        if start is None:
            return None
        if name not in self._servers:
            self._servers[name] = self._stack.enter_context(start())
        return self._servers[name]

    def saver(self, name: str, api: str, *, many_at_once: bool) -> Saver:
        """The saver, opened for ``api`` ("sync" or "async")."""
        kind = KINDS[name]
        key = (name, api, many_at_once and kind.open_many is not None)
        if key not in self._savers:
            server = self.server(name)
            url = server.url if server else ""
            if api == "sync":
                opening = kind.open_many if key[2] and kind.open_many else kind.open
                self._savers[key] = self._stack.enter_context(opening(url))
            else:
                aopening = kind.aopen_many if key[2] and kind.aopen_many else kind.aopen
                entering = self._astack.enter_async_context(aopening(url))
                self._savers[key] = self.runner.run(entering)
        return self._savers[key]

    def clear(self, name: str, saver: Saver) -> None:
        """Forget every thread, so that a later round finds what the first one found."""
        server = self.server(name)
        if server is not None:
            server.clear()
        if isinstance(saver, InMemorySaver):
            for thread_id in list(saver.storage):
                saver.delete_thread(thread_id)

    def versions(self) -> dict[str, str]:
        """The servers that are running."""
        return {name: server.version() for name, server in self._servers.items()}


@contextmanager
def opened() -> Iterator[Opened]:
    """Everything that is opened is closed at the end, async savers first."""
    with ExitStack() as stack, asyncio.Runner() as runner:
        astack = AsyncExitStack()
        try:
            yield Opened(runner, stack, astack)
        finally:
            runner.run(astack.aclose())

"""What a saver tells of itself and of its servers."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import asdict
from datetime import timedelta

from langgraph_dualstore import operations
from langgraph_dualstore.counters import Counters
from langgraph_dualstore.health import Health, Stats
from langgraph_dualstore.infos import Servers
from langgraph_dualstore.operations.queue import Backlog
from langgraph_dualstore.threads import Threads


class Watching(Threads):
    """The methods of a saver that tell how it is doing.

    Each has an async twin.
    """

    @property
    @abstractmethod
    def servers(self) -> Servers:
        """Where threads live, and where they are archived."""

    @property
    def counters(self) -> Counters:
        """What this saver has done since it was made, in this process."""
        return self._context.counters

    def stats(self) -> Stats:
        """Return what this saver has done, and what waits in the queues.

        Raises:
            HotStoreError: Redis refused or failed.
        """
        return _stats(self.counters, self.backlog())

    async def astats(self) -> Stats:
        """Async twin of `stats`."""
        return _stats(self.counters, await self.abacklog())

    def check(self) -> None:
        """Ask both servers a question, to learn early that one does not answer.

        Raises:
            ColdStoreError: The archive refused or failed.
            SchemaMismatch: Its tables are missing, or of another version.
            HotStoreError: Redis refused or failed.
        """
        self._run(operations.check(self._context))

    async def acheck(self) -> None:
        """Async twin of `check`."""
        await self._arun(operations.check(self._context))

    def backlog(self) -> Backlog:
        """Return what waits to be archived, and what was set aside.

        Raises:
            HotStoreError: Redis refused or failed.
        """
        return self._run(operations.look(self._context))

    async def abacklog(self) -> Backlog:
        """Async twin of `backlog`."""
        return await self._arun(operations.look(self._context))

    def health(self, seconds: float = 5.0) -> Health:
        """Look at both tiers, and tell what a person should look at.

        It looks at every thread in Redis if there is time for that, and blocks nobody: a
        question for a dashboard, not for a probe, which `check` is for.

        Args:
            seconds: For how long threads are looked at.
        """
        return self._run(operations.health(self._context, self.servers, seconds))

    async def ahealth(self, seconds: float = 5.0) -> Health:
        """Async twin of `health`."""
        return await self._arun(operations.health(self._context, self.servers, seconds))


def _stats(counters: Counters, backlog: Backlog) -> Stats:
    return Stats(
        **asdict(counters),
        queued=backlog.queued,
        due=backlog.due,
        leased=backlog.leased,
        lag=timedelta(milliseconds=backlog.lag_ms),
        dead_letters=len(backlog.dead),
    )

"""Batches of threads: taken on, archived in one transaction, and given back."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from langgraph_dualstore._steps import Operation
from langgraph_dualstore.errors import (
    ArchiveRejected,
    ColdStoreError,
    ConfigurationError,
    HotStoreUnavailable,
    SchemaMismatch,
)
from langgraph_dualstore.operations.archive import Outcome, archive_threads
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.queue import Claim, claim, fail, postpone, release

_logger = logging.getLogger(__package__)

BATCH: Final = 75
"""How many threads are archived in one transaction at most."""

NOBODYS_FAULT: Final = (ColdStoreError, SchemaMismatch, ConfigurationError)
"""Errors that have nothing to do with the thread that is archived, `ArchiveRejected` apart."""


class Batches:
    """Takes on threads that are due, a batch at a time, and archives them.

    Args:
        context: Returns what operations are given.
        run: Runs an operation, blocking.
        patience: Returns for how many seconds threads wait while the archive is away.

    Attributes:
        archived: How many times a thread was archived, or found to be.
    """

    def __init__(
        self,
        context: Callable[[], Context],
        run: Callable[[Operation[Any]], Any],
        patience: Callable[[], float],
    ) -> None:
        self._context = context
        self._run: Callable[[Operation[Any]], Any] = run
        self._patience = patience
        self._lock = threading.Lock()
        self.archived = 0

    def claim(self, shards: Iterable[int], ahead_ms: int = 0) -> list[Claim]:
        """Take on a batch of threads from some queues."""
        claims: list[Claim] = []
        left = BATCH
        for shard in shards:
            claims.append(self._run(claim(self._context(), shard, left, ahead_ms)))
            left -= len(claims[-1].thread_ids)
            if not left:
                break
        return claims

    def archive(self, claims: Sequence[Claim]) -> None:
        """Archive threads that were taken on, in one transaction.

        Raises:
            ColdStoreError: The archive refuses, or cannot be asked. The threads are due
                again after a pause, and live longer.
            SchemaMismatch: The same.
            HotStoreUnavailable: Redis cannot be asked; the claims will run out.
        """
        context = self._context()
        try:
            outcomes = self._outcomes(threads_of(claims))
        except NOBODYS_FAULT:
            self.postpone(claims)
            raise
        for claimed in claims:
            done: list[tuple[str, int | None]] = []
            for thread_id in claimed.thread_ids:
                outcome = outcomes[thread_id]
                if isinstance(outcome, Exception):
                    self._failed(claimed, thread_id, outcome)
                    continue
                # What is changed was queued again by whoever changed it; but this does not
                # hang on that.
                again = context.settings.delay_ms if outcome == "changed" else None
                done.append((thread_id, again))
                with self._lock:
                    self.archived += outcome != "absent"
            self._run(release(context, claimed, done))

    def _outcomes(self, thread_ids: Sequence[str]) -> dict[str, Outcome | Exception]:
        try:
            outcomes: dict[str, Outcome | Exception]
            outcomes = self._run(archive_threads(self._context(), thread_ids))
        except HotStoreUnavailable:
            raise
        except Exception as error:
            if isinstance(error, NOBODYS_FAULT) and not isinstance(error, ArchiveRejected):
                raise
            # One of them is at fault, or each.
            if len(thread_ids) == 1:
                return {thread_ids[0]: error}
            outcomes = {}
            for thread_id in thread_ids:
                outcomes |= self._outcomes([thread_id])
        return outcomes

    def _failed(self, claimed: Claim, thread_id: str, error: Exception) -> None:
        context = self._context()
        if self._run(fail(context, claimed, thread_id, error, context.settings.delay_ms)):
            _logger.error(
                "thread %r cannot be archived and is set aside: %s",
                thread_id,
                error,
                exc_info=error,
            )

    def postpone(self, claims: Sequence[Claim]) -> None:
        """Have threads wait while the archive is away, and live until it is back."""
        wait = int(self._patience() * 1000)
        context = self._context()
        context.counters.archive_retries += 1
        for claimed in claims:
            self._run(postpone(context, claimed, wait))

    def give_back(self, claims: Iterable[Claim]) -> None:
        """Have threads that were taken on be due at once."""
        for claimed in claims:
            again = [(thread_id, 0) for thread_id in claimed.thread_ids]
            self._run(release(self._context(), claimed, again))


def due_in(claims: Iterable[Claim]) -> float:
    """Return in how many seconds the first of the threads is due that nobody has taken on."""
    due = (claimed.next_ms / 1000 for claimed in claims if claimed.next_ms >= 0)
    return min(due, default=math.inf)


def threads_of(claims: Iterable[Claim]) -> list[str]:
    """Return the threads that were taken on."""
    return [thread_id for claimed in claims for thread_id in claimed.thread_ids]

"""The archiver: takes on threads that are due and archives them, beside the graphs that run.

Redis holds the queue, so an archiver that ends in any way leaves nothing behind but
claims, which run out. Any number of them may work on one queue.
"""

from __future__ import annotations

import atexit
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from langgraph_dualstore._forks import renew_after_fork
from langgraph_dualstore._steps import Operation
from langgraph_dualstore.archiver.batches import BATCH, NOBODYS_FAULT, Batches, due_in, threads_of
from langgraph_dualstore.errors import DualStoreError
from langgraph_dualstore.hot.keys import SHARDS
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.sweep import Sweep

_logger = logging.getLogger(__package__)

_DRAINS = 2
"""How many batches are under way at once when everything is to be archived."""

_POLL = 1.0
"""How many seconds an idle archiver waits before it looks for what others have queued."""

_GATHER = 0.25
"""For how many seconds at most more threads become due, once all that were due are archived:
few at a time cost more than many."""

_GRACE = 1.0
"""For how many seconds an archiver that is to end may take longer than it was given."""

_FIRST_PAUSE = 0.1  # seconds; doubled each time, with jitter
_LONGEST_PAUSE = 30.0
_SWEEPS = 8  # in the time after which an idle thread is archived


class Drained(NamedTuple):
    """What an archiver that was to finish has left.

    Attributes:
        complete: Whether everything that was due is archived.
        left: How many threads that were due are not.
    """

    complete: bool
    left: int


class Archiver:
    """Archives what is due, in a thread of its own or in that of the caller.

    Args:
        context: Returns what operations are given.
        run: Runs an operation, blocking.
        background: Whether a thread is started when something is to be archived soon.
    """

    def __init__(
        self,
        context: Callable[[], Context],
        run: Callable[[Operation[Any]], Any],
        *,
        background: bool,
    ) -> None:
        self._context = context
        self._run: Callable[[Operation[Any]], Any] = run
        self._background = background
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Start anew in a child process, which does not have its parent's threads."""
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._drain_until: float | None = None
        self._used = False
        self._noticed_at = 0.0
        self._failures = 0
        self._batches = Batches(self._context, self._run, self._patience)
        self._sweep: Sweep | None = None
        self._next_sweep = 0.0

    @property
    def archived(self) -> int:
        """How many times it has archived a thread, or found that it is."""
        return self._batches.archived

    # --- the thread ---

    def notice(self, *, soon: bool) -> None:
        """Take note that a thread was queued, to be archived soon or not; returns at once."""
        self._used = True
        if soon and self._noticed_at == 0.0:
            self._noticed_at = time.monotonic()
            if not self._failures:  # else it comes back by itself
                self._wake.set()
        if self._background and self._thread is None:
            self.start()

    def start(self) -> None:
        """Start working in the background, if that is not so already."""
        with self._lock:
            if self._thread is None:
                self._stopping = False
                self._thread = threading.Thread(
                    target=self._work, name="dualstore-archiver", daemon=True
                )
                self._thread.start()
                atexit.register(self.stop)

    def stop(self) -> None:
        """Stop working in the background; what is being archived is finished first.

        That is not waited for any longer than `drain_timeout`.
        """
        self._stop(None)

    def _stop(self, drain_until: float | None) -> bool:
        """Have the thread end, once it has drained the queue if it is to.

        Returns:
            Whether it has; not if the archive takes too long to answer.
        """
        with self._lock:
            thread, self._thread = self._thread, None
            self._drain_until = drain_until
            self._stopping = True
            self._wake.set()
        atexit.unregister(self.stop)
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(self._context().settings.drain_timeout.total_seconds() + _GRACE)
        return not thread.is_alive()

    def _work(self) -> None:
        while not self._stopping:
            try:
                pause = self._round()
            except Exception as error:
                self._failures += 1
                pause = self._patience()
                if isinstance(error, DualStoreError):
                    _logger.warning("cannot archive, will try again in %.1f s: %s", pause, error)
                else:
                    _logger.exception("the archiver failed, will go on in %.1f s", pause)
            else:
                self._failures = 0
            self._wait(pause)
        if self._drain_until is not None:
            self._drain_at_last(self._drain_until)

    def _wait(self, pause: float) -> None:
        """Wait, or until something is noticed and then as long as its archive is delayed."""
        self._wake.wait(pause)
        self._wake.clear()
        if self._noticed_at and not self._stopping:
            due = self._noticed_at + self._context().settings.archive_delay.total_seconds()
            # Nothing that is noticed until then is due earlier, and none of it wakes this.
            self._wake.wait(max(0.0, due - time.monotonic()))
        self._noticed_at = 0.0

    def _patience(self) -> float:
        """Return how many seconds to wait after a fault: longer with each, up to a bound."""
        longest = min(self._longest_patience(), _FIRST_PAUSE * 2 ** min(self._failures, 20))
        return random.uniform(longest / 2, longest)

    def _longest_patience(self) -> float:
        settings = self._context().settings
        if settings.ttl_ms is None:
            return _LONGEST_PAUSE
        return min(_LONGEST_PAUSE, settings.margin_ms / 4000)

    def _round(self) -> float:
        """Archive what is due in all queues.

        Returns:
            How many seconds to wait for more.
        """
        settings = self._context().settings
        poll = 0.0 if self._swept() else min(_POLL, settings.margin_ms / 2000)
        away: Exception | None = None
        while not self._stopping:
            claims = self._batches.claim(range(SHARDS))
            taken = len(threads_of(claims))
            if taken and away is None:
                try:
                    self._batches.archive(claims)
                except NOBODYS_FAULT as error:
                    away = error
            elif taken:
                self._batches.postpone(claims)
            if taken < BATCH:
                gather = min(_GATHER, settings.delay_ms / 1000) if taken else 0.0
                poll = min(poll, max(gather, due_in(claims)))
                break
        if away is not None:
            raise away
        return poll

    def _swept(self) -> bool:
        """Look at some threads that should be queued, if it is time for that."""
        now = time.monotonic()
        if self._sweep is None:
            if now < self._next_sweep:
                return False
            self._sweep = Sweep(self._context())
        more: bool = self._run(self._sweep.next_page())
        if not more:
            self._sweep = None
            self._next_sweep = now + self._context().settings.idle_ms / 1000 / _SWEEPS
        return more

    # --- in the caller's thread ---

    def drain(self, timeout: float) -> Drained:
        """Archive everything that is due or soon will be, for `timeout` seconds at most."""
        deadline = time.monotonic() + timeout
        # What waits because the archive was away is due as well.
        ahead = max(self._context().settings.delay_ms, int(self._longest_patience() * 1000))
        pause = 0.01
        while True:
            left = self._drain_all(ahead, deadline)
            if not left or time.monotonic() > deadline:
                return Drained(left == 0, left)
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(pause * 2, 0.25)

    def _drain_all(self, ahead_ms: int, deadline: float) -> int:
        """Archive what is due; while one batch waits for the archive, another is prepared."""
        halves = [range(half, SHARDS, _DRAINS) for half in range(_DRAINS)]
        try:
            with ThreadPoolExecutor(_DRAINS, thread_name_prefix="dualstore-drain") as threads:
                drain = partial(self._drain, ahead_ms=ahead_ms, deadline=deadline)
                return sum(threads.map(drain, halves))
        except RuntimeError:  # an interpreter that is ending starts no threads
            return self._drain(range(SHARDS), ahead_ms, deadline)

    def _drain(self, shards: Sequence[int], ahead_ms: int, deadline: float) -> int:
        """Archive what is due in some queues.

        Returns:
            How many threads are left, for want of time or because others have them.
        """
        while True:
            claims = self._batches.claim(shards, ahead_ms)
            taken = len(threads_of(claims))
            if not taken:
                return sum(claimed.others for claimed in claims)
            if time.monotonic() > deadline:
                self._batches.give_back(claims)
                return taken + sum(claimed.others for claimed in claims)
            self._batches.archive(claims)

    def close(self) -> None:
        """Stop, and archive what is due; what cannot be archived is logged, and stays queued.

        Takes little longer than `drain_timeout`, however long the archive takes to answer.
        """
        until = None
        if self._used and self._background:
            until = time.monotonic() + self._context().settings.drain_timeout.total_seconds()
        self._used = False
        if not self._stop(until):
            _logger.warning(
                "the archive does not answer; what is due stays queued, to be archived later"
            )

    def _drain_at_last(self, until: float) -> None:
        left = until - time.monotonic()
        if left < -_GRACE:
            return  # whoever closed this has been told already, and has gone
        try:
            drained = self.drain(max(0.0, left))
        except Exception as error:
            _logger.warning(
                "what is due stays queued, to be archived later: %s",
                error,
                exc_info=not isinstance(error, DualStoreError),
            )
        else:
            if not drained.complete:
                _logger.warning("%d due threads stay queued, to be archived later", drained.left)

"""What this process remembers of threads, so that it need not send or fetch it again.

Nothing here is trusted: every script that is told to rely on it first checks, in the
same step, that the server still has the checkpoint that proves it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Stored
from langgraph_dualstore.serialization import Fingerprint

_VIEWS_PER_THREAD = 16
_OVERHEAD = 2048  # what a remembered thread costs besides its log, roughly, in bytes


class View(NamedTuple):
    """A stored checkpoint, as far as the next put needs it.

    Attributes:
        address: Its address.
        proof: What its member starts with if and only if it is still this one.
        end: The position after everything in the log that its presence vouches for.
        versions: Its channel versions.
        channels: Where its channels' values are.
        fingerprints: Of the message lists among them, as this process last saw them.
    """

    address: bytes
    proof: bytes
    end: int
    versions: Mapping[str, Any]
    channels: Mapping[str, Stored]
    fingerprints: Mapping[str, Fingerprint]


class ThreadCopy:
    """What is remembered of one thread, within one generation of its log."""

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self.log = LogCopy()
        self._views: OrderedDict[bytes, View] = OrderedDict()
        self._newest: View | None = None
        self._lock = threading.Lock()

    @property
    def cost(self) -> int:
        """Roughly how many bytes this takes."""
        return self.log.size + _OVERHEAD

    def view(self, address: bytes) -> View | None:
        """Return the checkpoint at an address, if it is remembered."""
        return self._views.get(address)

    def remember(self, view: View) -> None:
        """Remember a checkpoint."""
        with self._lock:
            self._views[view.address] = view
            self._views.move_to_end(view.address)
            if len(self._views) > _VIEWS_PER_THREAD:
                self._views.popitem(last=False)
            if self._newest is None or view.end >= self._newest.end:
                self._newest = view

    @property
    def newest(self) -> View | None:
        """The checkpoint whose presence proves everything that `log` holds."""
        return self._newest


class Memory:
    """The threads remembered, the least recently used forgotten first.

    Args:
        limit: How many bytes to keep, roughly.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._threads: OrderedDict[bytes, ThreadCopy] = OrderedDict()
        self._costs: dict[bytes, int] = {}
        self._total = 0
        self._lock = threading.Lock()

    def get(self, thread: bytes) -> ThreadCopy | None:
        """Return what is remembered of a thread, named by its head key."""
        return self._threads.get(thread)

    def keep(self, thread: bytes, copy: ThreadCopy) -> None:
        """Remember a thread, or take note that what is remembered has grown."""
        with self._lock:
            self._threads[thread] = copy
            self._threads.move_to_end(thread)
            self._total += copy.cost - self._costs.get(thread, 0)
            self._costs[thread] = copy.cost
            while self._total > self._limit and self._threads:
                oldest, _ = self._threads.popitem(last=False)
                self._total -= self._costs.pop(oldest)

    def forget(self, thread: bytes) -> None:
        """Forget a thread."""
        with self._lock:
            if self._threads.pop(thread, None) is not None:
                self._total -= self._costs.pop(thread)

    def learn(
        self, thread: bytes, copy: ThreadCopy, view: View, parts: Iterable[tuple[int, bytes]]
    ) -> None:
        """Add to what is remembered of a thread: a checkpoint and parts of its log."""
        for start, data in parts:
            copy.log.add(start, data)
        copy.remember(view)
        self.keep(thread, copy)

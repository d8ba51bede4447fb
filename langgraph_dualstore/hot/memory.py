"""What this process remembers of threads, so that it need not send or fetch it again.

Nothing here is trusted: every script that is told to rely on it first checks, in the
same step, that the server still has the checkpoint that proves it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from langgraph_dualstore._forks import renew_after_fork
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Stored
from langgraph_dualstore.serialization import Fingerprint, Revived

_VIEWS_PER_THREAD = 8
_LISTS_PER_THREAD = 8
_OVERHEAD = 1024  # what a remembered thread or a view of it costs besides bytes, roughly


class View(NamedTuple):
    """A stored checkpoint, as far as the next put needs it.

    Attributes:
        address: Its address.
        proof: What its member starts with if and only if it is still this one.
        versions: Its channel versions.
        channels: Where its channels' values are.
        fingerprints: Of the message lists among them, as this process last saw them.
    """

    address: bytes
    proof: bytes
    versions: Mapping[str, Any]
    channels: Mapping[str, Stored]
    fingerprints: Mapping[str, Fingerprint]

    @property
    def cost(self) -> int:
        """Roughly how many bytes this takes."""
        cost = _OVERHEAD
        for stored in self.channels.values():
            if stored.inline is not None:
                cost += len(stored.inline)
        return cost


class Proof(NamedTuple):
    """A checkpoint whose presence proves what a copy holds.

    Attributes:
        start: What its member starts with if and only if it is still this one.
        end: The position after everything in the log that existed when it was stored.
    """

    start: bytes
    end: int


class Held(NamedTuple):
    """What a copy holds, as scripts are told: a part of one generation's log, and the proof."""

    generation: str
    proof: bytes
    start: int
    end: int


class ThreadCopy:
    """What is remembered of one thread, within one generation of its log.

    Bytes are only added along with a checkpoint that proves them, in one step: a log
    may be replaced by another of the same generation when a server fails over to a
    replica that lags behind, and only what came later can tell.
    """

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self.log = LogCopy()
        self._views: OrderedDict[bytes, tuple[View, int]] = OrderedDict()
        self._views_cost = 0
        self._revived: OrderedDict[int, Revived] = OrderedDict()
        self._proof: Proof | None = None
        self._lock = threading.Lock()

    @property
    def cost(self) -> int:
        """Roughly how many bytes this takes."""
        return _OVERHEAD + self.log.size + self._views_cost

    @property
    def proven(self) -> bool:
        """Whether a checkpoint proves what is held."""
        return self._proof is not None

    def held(self) -> Held | None:
        """Return what is held, `None` if nothing is proven."""
        with self._lock:
            if self._proof is None:
                return None
            return Held(self.generation, self._proof.start, *self.log.largest())

    def learn(self, parts: Iterable[tuple[int, bytes]], proof: Proof) -> None:
        """Add parts of the log, by position, and the newest checkpoint that proves them."""
        with self._lock:
            for start, data in parts:
                self.log.add(start, data)
            if self._proof is None or proof.end >= self._proof.end:
                self._proof = proof

    def view(self, address: bytes) -> View | None:
        """Return the checkpoint at an address, if it is remembered."""
        with self._lock:
            found = self._views.get(address)
            if found is None:
                return None
            self._views.move_to_end(address)
            return found[0]

    def remember(self, view: View) -> None:
        """Remember a checkpoint."""
        cost = view.cost
        with self._lock:
            self._views_cost += cost - self._views.pop(view.address, (view, 0))[1]
            self._views[view.address] = (view, cost)
            if len(self._views) > _VIEWS_PER_THREAD:
                self._views_cost -= self._views.popitem(last=False)[1][1]

    def revived(self, start: int) -> Revived | None:
        """Return what was noted of the list that begins at a position of the log."""
        return self._revived.get(start)

    def note_revived(self, start: int, revived: Revived) -> None:
        """Note the messages of a list that begins at a position of the log."""
        with self._lock:
            self._revived[start] = revived
            self._revived.move_to_end(start)
            if len(self._revived) > _LISTS_PER_THREAD:
                self._revived.popitem(last=False)


class Memory:
    """The threads remembered, the least recently used forgotten first.

    Args:
        limit: How many bytes to keep, roughly.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Forget everything."""
        self._threads: OrderedDict[bytes, ThreadCopy] = OrderedDict()
        self._costs: dict[bytes, int] = {}
        self._total = 0
        self._lock = threading.Lock()

    def get(self, thread: bytes) -> ThreadCopy | None:
        """Return what is remembered of a thread, named by its head key."""
        return self._threads.get(thread)

    def keep(self, thread: bytes, copy: ThreadCopy) -> None:
        """Remember a thread, or take note that what is remembered has grown."""
        cost = copy.cost
        with self._lock:
            self._threads[thread] = copy
            self._threads.move_to_end(thread)
            self._total += cost - self._costs.get(thread, 0)
            self._costs[thread] = cost
            while self._total > self._limit and self._threads:
                oldest, _ = self._threads.popitem(last=False)
                self._total -= self._costs.pop(oldest)

    def forget(self, thread: bytes) -> None:
        """Forget a thread."""
        with self._lock:
            if self._threads.pop(thread, None) is not None:
                self._total -= self._costs.pop(thread)

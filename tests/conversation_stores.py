"""Stores of conversations, and time that passes for them at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

import redis
from async_twins import AsyncTwins

from langgraph_dualstore import (
    ConversationStore,
    InMemoryConversationStore,
    RedisConversationStore,
)


class Place(Protocol):
    """Where conversations are kept."""

    def open(self, **options: Any) -> ConversationStore: ...

    def let_pass(self, seconds: float) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.now = 1000.0

    def open(self, **options: Any) -> ConversationStore:
        return InMemoryConversationStore(clock=lambda: self.now, **options)

    def let_pass(self, seconds: float) -> None:
        self.now += seconds


class InRedis:
    def __init__(self, client: redis.Redis, url: str) -> None:
        self.client = client
        self.url = url

    def open(self, **options: Any) -> ConversationStore:
        return RedisConversationStore.from_conn_string(self.url, **options)

    def let_pass(self, seconds: float) -> None:
        """Bring every key's end nearer."""
        for key in self.client.scan_iter(count=1000):
            left = self.client.pttl(key)
            if left >= 0:
                self.client.pexpire(key, max(0, left - round(seconds * 1000)))


@contextlib.contextmanager
def opened(place: Place, methods: str, **options: Any) -> Iterator[Any]:
    """A store in a place, by its `"sync"` or its `"async"` methods."""
    with place.open(**options) as store:
        if methods == "sync":
            yield store
            return
        twins = AsyncTwins(store)  # type: ignore[arg-type]
        twins.create_new_session_id = store.create_new_session_id
        try:
            yield twins
        finally:
            twins.loop.run(store.aclose())
            twins.close()

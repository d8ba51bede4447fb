"""A saver all of whose threads leave Redis and come back between any two calls."""

from __future__ import annotations

import inspect
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from redis import Redis

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.operations.find import find_threads

_METHODS = (
    *("aget_tuple", "aput", "aput_writes", "adelete_thread", "adelete_for_runs"),
    *("acopy_thread", "aprune", "aget_delta_channel_history"),
)


async def expire_and_restore(saver: DualStoreSaver, redis: Redis) -> None:
    """Archive every thread, take them all out of Redis, and bring them back."""
    thread_ids = await saver._arun(find_threads(saver._context))
    for thread_id in thread_ids:
        assert await saver.aarchive_thread(thread_id) in ("archived", "absent")
    redis.flushdb()
    for thread_id in thread_ids:
        await saver.arestore_thread(thread_id)


class ExpiringSaver(BaseCheckpointSaver[Any]):
    """Passes everything on; before each call all threads have expired and been restored."""

    def __init__(self, saver: DualStoreSaver, redis: Redis) -> None:
        super().__init__(serde=saver.serde)
        self.saver = saver
        self.redis = redis

    def get_next_version(self, current: Any, channel: None) -> Any:
        return self.saver.get_next_version(current, channel)

    async def alist(self, *args: Any, **kwargs: Any) -> Any:
        await expire_and_restore(self.saver, self.redis)
        async for found in self.saver.alist(*args, **kwargs):
            yield found


def _passed_on(name: str) -> Any:
    async def call(self: ExpiringSaver, *args: Any, **kwargs: Any) -> Any:
        await expire_and_restore(self.saver, self.redis)
        return await getattr(self.saver, name)(*args, **kwargs)

    call.__signature__ = inspect.signature(getattr(DualStoreSaver, name))  # type: ignore[attr-defined]
    return call


for _name in _METHODS:
    setattr(ExpiringSaver, _name, _passed_on(_name))

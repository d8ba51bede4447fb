"""A saver whose async methods are the sync ones of another, for suites that only know async."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple


class SyncMethodsInLoop(BaseCheckpointSaver[Any]):
    """Calls the sync methods inside the running loop, as a notebook does."""

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        super().__init__(serde=saver.serde)
        self.saver = saver

    async def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    def get_next_version(self, current: Any, channel: None) -> Any:
        return self.saver.get_next_version(current, channel)

    async def aget_tuple(self, *args: Any, **kwargs: Any) -> CheckpointTuple | None:
        return await self.call(self.saver.get_tuple, *args, **kwargs)

    async def alist(self, *args: Any, **kwargs: Any) -> AsyncIterator[CheckpointTuple]:
        for found in await self.call(lambda: list(self.saver.list(*args, **kwargs))):
            yield found

    async def aput(self, *args: Any, **kwargs: Any) -> Any:
        return await self.call(self.saver.put, *args, **kwargs)

    async def aput_writes(self, *args: Any, **kwargs: Any) -> None:
        await self.call(self.saver.put_writes, *args, **kwargs)

    async def adelete_thread(self, *args: Any, **kwargs: Any) -> None:
        await self.call(self.saver.delete_thread, *args, **kwargs)

    async def adelete_for_runs(self, *args: Any, **kwargs: Any) -> None:
        await self.call(self.saver.delete_for_runs, *args, **kwargs)

    async def acopy_thread(self, *args: Any, **kwargs: Any) -> None:
        await self.call(self.saver.copy_thread, *args, **kwargs)

    async def aprune(self, *args: Any, **kwargs: Any) -> None:
        await self.call(self.saver.prune, *args, **kwargs)


class SyncMethodsInThreads(SyncMethodsInLoop):
    """Calls the sync methods on worker threads, as an async graph's sync node does."""

    async def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(method, *args, **kwargs)

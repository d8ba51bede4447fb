"""A saver whose sync methods run the async ones of another in a loop of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple


class Loop(asyncio.Runner):
    """Runs without minding Ctrl-C, which takes longer to prepare than most of what is run."""

    def run(self, coroutine: Coroutine[Any, Any, Any], **_: Any) -> Any:
        return self.get_loop().run_until_complete(coroutine)


class AsyncMethodsInALoop:
    """Lets a test that has no loop drive the async methods; close it when done."""

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        self.saver = saver
        self.loop = Loop()

    def get_tuple(self, *args: Any, **kwargs: Any) -> CheckpointTuple | None:
        return self.loop.run(self.saver.aget_tuple(*args, **kwargs))

    def list(self, *args: Any, **kwargs: Any) -> Iterator[CheckpointTuple]:
        async def read() -> list[CheckpointTuple]:
            return [found async for found in self.saver.alist(*args, **kwargs)]

        return iter(self.loop.run(read()))

    def put(self, *args: Any, **kwargs: Any) -> Any:
        return self.loop.run(self.saver.aput(*args, **kwargs))

    def put_writes(self, *args: Any, **kwargs: Any) -> None:
        self.loop.run(self.saver.aput_writes(*args, **kwargs))

    def delete_thread(self, thread_id: str) -> None:
        self.loop.run(self.saver.adelete_thread(thread_id))

    def get_delta_channel_history(self, **kwargs: Any) -> Any:
        return self.loop.run(self.saver.aget_delta_channel_history(**kwargs))

    def close(self) -> None:
        self.loop.close()

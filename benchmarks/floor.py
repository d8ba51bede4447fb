"""What a turn's exchanges with a server cost by themselves.

No saver that asks a server in each of LangGraph's calls takes less than this one, which asks for
next to nothing, through the connections that ``DualStoreSaver`` uses, and has the rest in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.memory import InMemorySaver

from langgraph_dualstore import DualStoreSaver


class FloorSaver(InMemorySaver):
    """An ``InMemorySaver`` that sends one PTTL before each of a run's calls.

    Args:
        asked: Sends them.
    """

    def __init__(self, asked: DualStoreSaver) -> None:
        super().__init__()
        self._asked = asked

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        self._asked.ttl_of(_thread_id(config))
        return super().get_tuple(config)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        self._asked.ttl_of(_thread_id(config))
        return super().put(config, checkpoint, metadata, new_versions)

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        self._asked.ttl_of(_thread_id(config))
        super().put_writes(config, writes, task_id, task_path)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        await self._asked.attl_of(_thread_id(config))
        return super().get_tuple(config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        await self._asked.attl_of(_thread_id(config))
        return super().put(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        await self._asked.attl_of(_thread_id(config))
        super().put_writes(config, writes, task_id, task_path)


def _thread_id(config: RunnableConfig) -> str:
    return str(config["configurable"]["thread_id"])

"""Runs compiled graphs by their sync or async methods and outlines what became of them.

An outline leaves out what differs from run to run (checkpoint ids, task ids,
times), so that two runs of one graph on two checkpointers can be compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.types import Interrupt, StateSnapshot


class Runner:
    """One way to run graphs: through the sync or the async methods, at one durability."""

    def __init__(self, methods: str, durability: str) -> None:
        self.is_async = methods == "async"
        self.durability = durability

    async def _call(self, graph: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        if self.is_async:
            return await getattr(graph, f"a{name}")(*args, **kwargs)
        return await asyncio.to_thread(getattr(graph, name), *args, **kwargs)

    async def invoke(self, graph: Any, given: Any, config: RunnableConfig, **kwargs: Any) -> Any:
        kwargs.setdefault("durability", self.durability)
        return await self._call(graph, "invoke", given, config, **kwargs)

    async def state(self, graph: Any, config: RunnableConfig, **kwargs: Any) -> StateSnapshot:
        return await self._call(graph, "get_state", config, **kwargs)

    async def update(self, graph: Any, config: RunnableConfig, *args: Any, **kw: Any) -> Any:
        return await self._call(graph, "update_state", config, *args, **kw)

    async def history(
        self, graph: Any, config: RunnableConfig, **kwargs: Any
    ) -> list[StateSnapshot]:
        if self.is_async:
            return [state async for state in graph.aget_state_history(config, **kwargs)]
        return await asyncio.to_thread(lambda: list(graph.get_state_history(config, **kwargs)))


def thread(thread_id: str = "thread", **configurable: Any) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id, **configurable}}


def outline(state: StateSnapshot) -> dict[str, Any]:
    return {
        "values": state.values,
        "next": state.next,
        "metadata": _comparable_metadata(state.metadata),
        "interrupts": [interrupt.value for interrupt in state.interrupts],
        "tasks": [
            {
                "name": task.name,
                "error": repr(task.error),
                "interrupts": [interrupt.value for interrupt in task.interrupts],
                "result": task.result,
                "state": outline(task.state) if isinstance(task.state, StateSnapshot) else None,
            }
            for task in state.tasks
        ],
    }


def outline_history(history: Iterable[StateSnapshot]) -> list[dict[str, Any]]:
    """The outlines, newest first, each with the position of its parent in the history."""
    states = list(history)
    positions = {_id(state.config): at for at, state in enumerate(states)}
    assert len(positions) == len(states), "a checkpoint is listed twice"
    return [
        {**outline(state), "parent": positions.get(_id(state.parent_config))} for state in states
    ]


def outline_stored(tuples: Iterable[CheckpointTuple]) -> list[dict[str, Any]]:
    """What a saver's own `list` shows, namespace by namespace, newest first in each.

    The task ids in the namespaces of subgraphs are left out.
    """
    found = sorted(tuples, key=lambda item: item.checkpoint["id"], reverse=True)
    found.sort(key=lambda item: _without_ids(item.config["configurable"]["checkpoint_ns"]))
    positions = {_id(item.config): at for at, item in enumerate(found)}
    return [
        {
            "ns": _without_ids(item.config["configurable"]["checkpoint_ns"]),
            "parent": positions.get(_id(item.parent_config)),
            "values": item.checkpoint["channel_values"],
            "versions": sorted(item.checkpoint["channel_versions"]),
            "seen": {
                node: sorted(seen)
                for node, seen in sorted(item.checkpoint["versions_seen"].items())
            },
            "updated": sorted(item.checkpoint.get("updated_channels") or []),
            "metadata": _comparable_metadata(item.metadata),
            "writes": sorted(
                (
                    (channel, _comparable_write(value))
                    for _, channel, value in item.pending_writes or []
                ),
                key=repr,
            ),
        }
        for item in found
    ]


def _id(config: RunnableConfig | None) -> tuple[str, str] | None:
    if config is None:
        return None
    return config["configurable"]["checkpoint_ns"], config["configurable"]["checkpoint_id"]


def _without_ids(ns: str) -> str:
    return "|".join(part.split(":")[0] for part in ns.split("|"))


def _comparable_metadata(metadata: Any) -> dict[str, Any]:
    return {
        **(metadata or {}),
        "parents": sorted(_without_ids(ns) for ns in (metadata or {}).get("parents") or {}),
    }


def _comparable_write(value: Any) -> Any:
    if isinstance(value, Interrupt):
        return ("interrupt", value.value)
    if isinstance(value, (list, tuple)):
        return [_comparable_write(item) for item in value]
    return value

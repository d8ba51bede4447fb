"""Checkpoints put by hand, for what the contract says below the level of a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, Checkpoint, CheckpointTuple


def checkpoint_id(n: int) -> str:
    """An id of LangGraph's form; a greater `n` gives a greater id."""
    return f"1f000000-0000-6000-8000-{n:012x}"


def config_of(
    thread_id: Any = "thread", ns: str | None = "", id: str | None = None, **configurable: Any
) -> RunnableConfig:
    """A config; `ns=None` and `id=None` leave the key out."""
    places: dict[str, Any] = {"thread_id": thread_id, **configurable}
    if ns is not None:
        places["checkpoint_ns"] = ns
    if id is not None:
        places["checkpoint_id"] = id
    return {"configurable": places}


def checkpoint_of(id: str, values: Mapping[str, Any], versions: Mapping[str, Any]) -> Checkpoint:
    return {
        "v": 4,
        "id": id,
        "ts": "2024-05-04T06:32:42.235444+00:00",
        "channel_values": dict(values),
        "channel_versions": dict(versions),
        "versions_seen": {},
        "updated_channels": sorted(versions),
    }


def put(
    saver: BaseCheckpointSaver[Any],
    n: int,
    values: Mapping[str, Any] | None = None,
    *,
    thread_id: Any = "thread",
    ns: str = "",
    parent: RunnableConfig | None = None,
    versions: Mapping[str, Any] | None = None,
    new: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> RunnableConfig:
    """Puts the checkpoint with number `n` and returns its config.

    `versions` defaults to `n` for every channel, `new` (the channels that
    this step wrote) to all of them.
    """
    values = {} if values is None else values
    versions = dict.fromkeys(values, n) if versions is None else dict(versions)
    new = versions if new is None else new
    parent_id = parent["configurable"]["checkpoint_id"] if parent else None
    return saver.put(
        config_of(thread_id, ns, parent_id),
        checkpoint_of(checkpoint_id(n), values, versions),
        {"source": "loop", "step": n, "parents": {}, **(metadata or {})},
        {channel: versions[channel] for channel in new},
    )


def id_of(config: RunnableConfig | None) -> str:
    assert config is not None
    return config["configurable"]["checkpoint_id"]


def values_at(saver: BaseCheckpointSaver[Any], config: RunnableConfig) -> dict[str, Any]:
    return found_at(saver, config).checkpoint["channel_values"]


def writes_at(saver: BaseCheckpointSaver[Any], config: RunnableConfig) -> list[tuple[Any, ...]]:
    return [tuple(write) for write in found_at(saver, config).pending_writes or []]


def found_at(saver: BaseCheckpointSaver[Any], config: RunnableConfig) -> CheckpointTuple:
    found = saver.get_tuple(config)
    assert found is not None, f"no checkpoint at {config}"
    return found


def ids_in(tuples: Iterable[CheckpointTuple]) -> list[str]:
    return [found.checkpoint["id"] for found in tuples]

"""Puts a thread of one saver into another as it is: versions, ids, writes and all."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from raw_checkpoints import config_of, id_of


def transfer(source: BaseCheckpointSaver[Any], target: BaseCheckpointSaver[Any], thread_id: str):
    found = sorted(
        source.list(config_of(thread_id, ns=None)), key=lambda item: item.checkpoint["id"]
    )
    versions_at: dict[tuple[str, str | None], Any] = {}
    for item in found:
        ns = item.config["configurable"]["checkpoint_ns"]
        parent = id_of(item.parent_config) if item.parent_config else None
        versions = item.checkpoint["channel_versions"]
        known = versions_at.get((ns, parent), {})
        versions_at[ns, item.checkpoint["id"]] = versions
        config = target.put(
            config_of(thread_id, ns, parent),
            item.checkpoint,
            item.metadata,
            {channel: value for channel, value in versions.items() if known.get(channel) != value},
        )
        by_task: dict[str, list[tuple[str, Any]]] = {}
        for task_id, channel, value in item.pending_writes or []:
            by_task.setdefault(task_id, []).append((channel, value))
        for task_id, writes in by_task.items():
            target.put_writes(config, writes, task_id)

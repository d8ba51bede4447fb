"""Storing a task's pending writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import WRITES_IDX_MAP

from langgraph_dualstore._steps import Operation, RunScript, queue_first
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.hot.keys import encode_index, encode_part
from langgraph_dualstore.hot.records import encode_write
from langgraph_dualstore.hot.scripts import WRITES
from langgraph_dualstore.operations.context import (
    Context,
    as_text,
    due_arguments,
    new_generation,
    target_of,
)
from langgraph_dualstore.operations.restore import ATTEMPTS, bring_back, gone_again

_LATE = 2  # as the script replies


def put_writes(
    context: Context,
    config: RunnableConfig,
    writes: Sequence[tuple[str, Any]],
    task_id: str,
    task_path: str = "",
) -> Operation[None]:
    """Store a task's writes to the checkpoint a config points at.

    The checkpoint need not be stored yet: with durability `"async"` it comes later.

    Raises:
        ConfigurationError: The config names no checkpoint.
    """
    by_index = {
        WRITES_IDX_MAP.get(channel, index): (channel, value)
        for index, (channel, value) in enumerate(writes)
    }
    yield from place_writes(context, config, by_index, task_id, task_path)


def place_writes(
    context: Context,
    config: RunnableConfig,
    writes: Mapping[int, tuple[str, Any]],
    task_id: str,
    task_path: str,
) -> Operation[None]:
    """Store a task's writes, each at its index.

    Raises:
        ConfigurationError: The config names no checkpoint.
    """
    target = target_of(config)
    if target.checkpoint_id is None:
        raise ConfigurationError("config['configurable']['checkpoint_id'] is missing")
    if not writes:
        return
    codec = context.codecs.of(target.thread_id)
    members: list[bytes] = []
    for index, (channel, value) in writes.items():
        members.append(encode_index(index))
        members.append(encode_write(channel, codec.dumps(value), task_path or ""))
    address = target.address(target.checkpoint_id)
    place = (address, encode_part(as_text("task_id", task_id)))
    limited = "" if context.settings.keep_last is None else "1"
    keys = context.keys(target.thread_id)
    due = context.due(target.thread_id)
    arguments = (*place, context.ttl, target.space, limited, *due_arguments(due), *members)
    opens = context.archiving is None or not context.settings.restore
    for _ in range(ATTEMPTS):
        # Writes to a thread that is only archived must not hide it.
        opened = new_generation() if opens else ""
        reply = yield RunScript(WRITES, keys, (opened, *arguments), due)
        if reply is not None:
            break
        opens = not (yield from bring_back(context, target.thread_id))
    else:
        raise gone_again(target.thread_id)
    if due and reply[1]:
        yield queue_first(due._replace(wait=0) if reply[1] == _LATE else due)

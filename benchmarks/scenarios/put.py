"""One ``put`` of a step that adds one message to a conversation of 200."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.base.id import uuid6

from benchmarks.dialogs import history
from benchmarks.graphs import chat_graph, thread_config
from benchmarks.savers import Saver
from benchmarks.scale import Scale
from benchmarks.scenarios.scenario import AsyncWork, Scenario, Work


def prepare(saver: Saver, scale: Scale) -> list[Work]:
    graph = chat_graph(saver, asynchronous=False)
    config = thread_config(str(uuid4()))
    graph.update_state(config, {"messages": history(scale.read_length, 0)}, "model")
    steps = _steps(saver, saver.get_tuple(_root(config)), scale.calls + 1)
    saver.put(*steps[0])
    return [partial(saver.put, *step) for step in steps[1:]]


async def aprepare(saver: Saver, scale: Scale) -> list[AsyncWork]:
    graph = chat_graph(saver, asynchronous=True)
    config = thread_config(str(uuid4()))
    await graph.aupdate_state(config, {"messages": history(scale.read_length, 0)}, "model")
    steps = _steps(saver, await saver.aget_tuple(_root(config)), scale.calls + 1)
    await saver.aput(*steps[0])
    return [partial(saver.aput, *step) for step in steps[1:]]


def _root(config: RunnableConfig) -> RunnableConfig:
    return {"configurable": {**config["configurable"], "checkpoint_ns": ""}}


def _steps(saver: Saver, start: CheckpointTuple | None, count: int) -> list[tuple[Any, ...]]:
    """The arguments of ``count`` puts, each one message longer than the one before.

    As with ``add_messages``, the messages that stay are the same objects.
    """
    if start is None:
        raise LookupError("The thread that was just written is not there.")
    config, checkpoint = start.config, start.checkpoint
    added = history(count + count % 2, 1)
    steps = []
    for number in range(count):
        messages = [*checkpoint["channel_values"]["messages"], added[number]]
        version = saver.get_next_version(checkpoint["channel_versions"]["messages"], None)
        checkpoint = {
            **checkpoint,
            "id": str(uuid6(clock_seq=number + 1)),
            "channel_values": {**checkpoint["channel_values"], "messages": messages},
            "channel_versions": {**checkpoint["channel_versions"], "messages": version},
            "updated_channels": ["messages"],
        }
        metadata = {"source": "loop", "step": number + 1, "parents": {}}
        steps.append((config, checkpoint, metadata, {"messages": version}))
        thread = config["configurable"]
        config = {"configurable": {**thread, "checkpoint_id": checkpoint["id"]}}
    return steps


PUT = Scenario(
    name="put",
    title="put, one message more than 200",
    prepare=prepare,
    aprepare=aprepare,
    check=lambda config, _: bool(config["configurable"]["checkpoint_id"]),
)

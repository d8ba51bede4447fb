"""``list`` of the newest 200 checkpoints of one thread, about 100 messages each.

The thread is a real one: 200 checkpoints are 67 turns, and it begins with 32 messages, so that
the checkpoints hold 32 to 166.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from langchain_core.runnables import RunnableConfig

from benchmarks.dialogs import history, question
from benchmarks.graphs import chat_graph, thread_config
from benchmarks.savers import Saver
from benchmarks.scale import Scale
from benchmarks.scenarios.scenario import AsyncWork, Scenario, Work

FIRST_LENGTH = 32
CHECKPOINTS_PER_TURN = 3


def prepare(saver: Saver, scale: Scale) -> list[Work]:
    graph = chat_graph(saver, asynchronous=False)
    config = thread_config(str(uuid4()))
    graph.update_state(config, {"messages": history(FIRST_LENGTH, 0)}, "model")
    for number in range(_turns(scale)):
        graph.invoke({"messages": [question(number)]}, config)
    return [lambda: list(saver.list(_root(config), limit=scale.listed))]


async def aprepare(saver: Saver, scale: Scale) -> list[AsyncWork]:
    graph = chat_graph(saver, asynchronous=True)
    config = thread_config(str(uuid4()))
    await graph.aupdate_state(config, {"messages": history(FIRST_LENGTH, 0)}, "model")
    for number in range(_turns(scale)):
        await graph.ainvoke({"messages": [question(number)]}, config)

    async def collect() -> list[Any]:
        return [found async for found in saver.alist(_root(config), limit=scale.listed)]

    return [collect]


def _turns(scale: Scale) -> int:
    return -(-scale.listed // CHECKPOINTS_PER_TURN)


def _root(config: RunnableConfig) -> RunnableConfig:
    return {"configurable": {**config["configurable"], "checkpoint_ns": ""}}


def _complete(found: list[Any], scale: Scale) -> bool:
    newest = found[0].checkpoint["channel_values"]["messages"]
    return len(found) == scale.listed and len(newest) == FIRST_LENGTH + 2 * _turns(scale)


LIST = Scenario(
    name="list",
    title="list, 200 checkpoints of about 100 messages",
    prepare=prepare,
    aprepare=aprepare,
    check=_complete,
    prepared_once=True,
)

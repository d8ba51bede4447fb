"""``get_tuple`` of the latest checkpoint of a conversation of 200 messages."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

from benchmarks.dialogs import history, question
from benchmarks.graphs import chat_graph, thread_config
from benchmarks.savers import Saver
from benchmarks.scale import Scale
from benchmarks.scenarios.scenario import AsyncWork, Scenario, Work


def prepare(saver: Saver, scale: Scale) -> list[Work]:
    graph = chat_graph(saver, asynchronous=False)
    config = thread_config(str(uuid4()))
    graph.update_state(config, {"messages": history(scale.read_length - 2, 0)}, "model")
    graph.invoke({"messages": [question(0)]}, config)
    return [partial(saver.get_tuple, config)] * scale.calls


async def aprepare(saver: Saver, scale: Scale) -> list[AsyncWork]:
    graph = chat_graph(saver, asynchronous=True)
    config = thread_config(str(uuid4()))
    await graph.aupdate_state(config, {"messages": history(scale.read_length - 2, 0)}, "model")
    await graph.ainvoke({"messages": [question(0)]}, config)
    return [partial(saver.aget_tuple, config)] * scale.calls


GET_TUPLE = Scenario(
    name="get_tuple",
    title="get_tuple, 200 messages",
    prepare=prepare,
    aprepare=aprepare,
    check=lambda found, scale: (
        len(found.checkpoint["channel_values"]["messages"]) == scale.read_length
    ),
    prepared_once=True,
)

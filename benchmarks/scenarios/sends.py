"""A run that sends 20 tasks in parallel and merges what they return, on a new thread."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

from benchmarks.dialogs import question
from benchmarks.graphs import fan_out_graph, thread_config
from benchmarks.savers import Saver
from benchmarks.scale import Scale
from benchmarks.scenarios.scenario import AsyncWork, Scenario, Work


def prepare(saver: Saver, scale: Scale) -> list[Work]:
    graph = fan_out_graph(saver, asynchronous=False)
    graph.invoke(_topics(scale), thread_config(str(uuid4())))
    return [
        partial(graph.invoke, _topics(scale), thread_config(str(uuid4())))
        for _ in range(scale.threads)
    ]


async def aprepare(saver: Saver, scale: Scale) -> list[AsyncWork]:
    graph = fan_out_graph(saver, asynchronous=True)
    await graph.ainvoke(_topics(scale), thread_config(str(uuid4())))
    return [
        partial(graph.ainvoke, _topics(scale), thread_config(str(uuid4())))
        for _ in range(scale.threads)
    ]


def _topics(scale: Scale) -> dict[str, list[str]]:
    return {"topics": [str(question(number).content) for number in range(scale.sends)]}


SENDS = Scenario(
    name="sends",
    title="20 parallel Sends",
    prepare=prepare,
    aprepare=aprepare,
    check=lambda state, scale: len(state["notes"]) == scale.sends,
    many_at_once=True,
)

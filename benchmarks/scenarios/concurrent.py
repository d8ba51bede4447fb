"""50 conversations at once on one saver: OS threads, or ``asyncio.gather``."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from benchmarks.dialogs import question
from benchmarks.graphs import chat_graph, thread_config
from benchmarks.savers import Saver
from benchmarks.scale import Scale
from benchmarks.scenarios.scenario import AsyncWork, Scenario, Work


def prepare(saver: Saver, scale: Scale) -> list[Work]:
    graph = chat_graph(saver, asynchronous=False)

    def converse(client: int) -> int:
        config = thread_config(str(uuid4()))
        for turn in range(scale.client_turns):
            state = graph.invoke({"messages": [question(client + turn)]}, config)
        return len(state["messages"])

    def everyone() -> list[int]:
        with ThreadPoolExecutor(scale.clients) as threads:
            return list(threads.map(converse, range(scale.clients)))

    converse(0)
    return [everyone]


async def aprepare(saver: Saver, scale: Scale) -> list[AsyncWork]:
    graph = chat_graph(saver, asynchronous=True)

    async def converse(client: int) -> int:
        config = thread_config(str(uuid4()))
        for turn in range(scale.client_turns):
            state = await graph.ainvoke({"messages": [question(client + turn)]}, config)
        return len(state["messages"])

    async def everyone() -> list[int]:
        return await asyncio.gather(*map(converse, range(scale.clients)))

    await converse(0)
    return [everyone]


CONCURRENT = Scenario(
    name="concurrent",
    title="50 conversations at once",
    prepare=prepare,
    aprepare=aprepare,
    check=lambda lengths, scale: lengths == [2 * scale.client_turns] * scale.clients,
    unit="turns/s",
    value=lambda seconds, scale: scale.clients * scale.client_turns / sum(seconds),
    many_at_once=True,
)

"""A chat turn through a compiled graph, on a thread that already holds N messages.

Each measured turn has a thread of its own: N - 2 messages are put by one ``update_state``, one
turn is run unmeasured, and the next is measured. So the length is exact, and the thread is one
that its process has just talked on.
"""

from __future__ import annotations

from functools import partial
from uuid import uuid4

from benchmarks.dialogs import history, question
from benchmarks.graphs import chat_graph, thread_config
from benchmarks.savers import Saver
from benchmarks.scale import Scale
from benchmarks.scenarios.scenario import AsyncWork, Scenario, Work

LONG = 1000


def turn_scenario(length: int) -> Scenario:
    """A turn on a thread of ``length`` messages."""

    def prepare(saver: Saver, scale: Scale) -> list[Work]:
        graph = chat_graph(saver, asynchronous=False)
        works: list[Work] = []
        for number in range(_threads(length, scale)):
            config = thread_config(str(uuid4()))
            if length > 2:
                graph.update_state(config, {"messages": history(length - 2, number)}, "model")
            graph.invoke({"messages": [question(number)]}, config)
            works.append(partial(graph.invoke, {"messages": [question(number + 1)]}, config))
        return works

    async def aprepare(saver: Saver, scale: Scale) -> list[AsyncWork]:
        graph = chat_graph(saver, asynchronous=True)
        works: list[AsyncWork] = []
        for number in range(_threads(length, scale)):
            config = thread_config(str(uuid4()))
            if length > 2:
                await graph.aupdate_state(
                    config, {"messages": history(length - 2, number)}, "model"
                )
            await graph.ainvoke({"messages": [question(number)]}, config)
            works.append(partial(graph.ainvoke, {"messages": [question(number + 1)]}, config))
        return works

    return Scenario(
        name=f"turn-{length}",
        title=f"chat turn, {length} messages",
        prepare=prepare,
        aprepare=aprepare,
        check=lambda state, _: len(state["messages"]) == length + 2,
    )


def _threads(length: int, scale: Scale) -> int:
    return scale.long_threads if length >= LONG else scale.threads

"""A chat turn with the archiver on, and with it off.

The archiver works in the same process, on a thread of its own, as it does by default. Turns
follow each other without a pause, for longer than the archiver waits, so that it is at work
in every block: nobody chats like that, and a server that is busy with many people does. A
block's value is its time divided by its turns, so what the archiver takes is all in it.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any
from uuid import uuid4

from benchmarks.archive.measure import Row
from benchmarks.archive.setting import Setting
from benchmarks.dialogs import history, question
from benchmarks.graphs import chat_graph, thread_config
from benchmarks.results import Spread
from benchmarks.rounds import garbage_collected_before
from langgraph_dualstore import DualStoreSaver

BOUND = 1.05
LENGTHS = (2, 200)
SECONDS = 1.5
TURNS_EACH = 5


def turns(setting: Setting, rounds: int) -> list[Row]:
    found: list[Row] = []
    with setting.saver("off", archived=False) as off, setting.saver("on") as on:
        for length in LENGTHS:
            for api in ("sync", "async"):
                pairs = [_pair(off, on, api, length, number) for number in range(rounds + 1)][1:]
                spreads = [Spread.of(values) for values in zip(*pairs, strict=True)]
                ratios = Spread.of([with_it / without for without, with_it in pairs])
                values = f"{spreads[0].median:.2f} ms off, {spreads[1].median:.2f} ms on"
                what = f"chat turn, {length} messages, {api}"
                found.append(Row(what=what, values=values, ratio=ratios, bound=BOUND))
    return found


def _pair(
    off: DualStoreSaver, on: DualStoreSaver, api: str, length: int, number: int
) -> tuple[float, float]:
    order = (off, on) if number % 2 else (on, off)
    taken = {id(saver): _block(saver, api, length) for saver in order}
    assert on.flush(), "not everything is archived"
    return taken[id(off)], taken[id(on)]


def _block(saver: DualStoreSaver, api: str, length: int) -> float:
    """The milliseconds of a turn; each thread of a block has the length when it starts."""
    run = _sync_turns if api == "sync" else _async_turns
    done, seconds = 0, 0.0
    while seconds < SECONDS:
        config = thread_config(str(uuid4()))
        graph = chat_graph(saver, asynchronous=False)
        if length > 2:
            graph.update_state(config, {"messages": history(length - 2, done)}, "model")
        graph.invoke({"messages": [question(done)]}, config)
        seconds += run(saver, config)
        done += TURNS_EACH
    return seconds / done * 1000


def _sync_turns(saver: DualStoreSaver, config: Any) -> float:
    graph = chat_graph(saver, asynchronous=False)
    with garbage_collected_before():
        start = perf_counter()
        for number in range(TURNS_EACH):
            graph.invoke({"messages": [question(number)]}, config)
        return perf_counter() - start


def _async_turns(saver: DualStoreSaver, config: Any) -> float:
    graph = chat_graph(saver, asynchronous=True)

    async def run() -> float:
        await graph.ainvoke({"messages": [question(0)]}, config)  # opens the loop's connections
        with garbage_collected_before():
            start = perf_counter()
            for number in range(TURNS_EACH):
                await graph.ainvoke({"messages": [question(number)]}, config)
            return perf_counter() - start

    return asyncio.run(run())

"""A chat turn with the archiver on, and with it off.

The archiver works in the same process, on a thread of its own, as it does by default.

- `latency`: what one user waits for. A few turns, each on a thread of its own that is archived
  already, and then a pause, in which the archiver works.
- `busy`: what a process that does nothing but turns can do, for longer than the archiver waits:
  it is at work all the time, and everything it takes is in the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, sleep
from typing import Any
from uuid import uuid4

from benchmarks.archive.measure import Row
from benchmarks.archive.setting import Setting
from benchmarks.dialogs import history, question
from benchmarks.graphs import chat_graph, thread_config
from benchmarks.results import Spread
from benchmarks.rounds import garbage_collected_before
from langgraph_dualstore import DualStoreSaver

LATENCY_BOUND = 1.05
BUSY_BOUND = 1.25
LENGTHS = (2, 200)
LATENCY_THREADS = 8
BUSY_THREADS = 60
BUSY_SECONDS = 1.5
PAUSE = 0.5

Block = Callable[[DualStoreSaver, asyncio.Runner | None, int], float]
"""Returns the milliseconds of a turn on threads that hold so many messages."""


def turns(setting: Setting, rounds: int) -> list[Row]:
    found: list[Row] = []
    blocks: tuple[tuple[str, Block, float], ...] = (
        ("chat turn", _latency, LATENCY_BOUND),
        ("busy process", _busy, BUSY_BOUND),
    )
    with asyncio.Runner() as loop:
        for runner in (None, loop):
            for title, block, bound in blocks:
                for length in LENGTHS:
                    api = "sync" if runner is None else "async"
                    what = f"{title}, {length} messages, {api}"
                    with setting.saver("off", archived=False) as off, setting.saver("on") as on:
                        values, ratio = _compared(
                            off, on, partial(_turns, block, runner, length), rounds
                        )
                        if runner is not None:
                            runner.run(off.aclose())
                            runner.run(on.aclose())
                    found.append(Row(what=what, values=values, ratio=ratio, bound=bound))
    return found


def _turns(
    block: Block, runner: asyncio.Runner | None, length: int, saver: DualStoreSaver
) -> float:
    return block(saver, runner, length)


def _compared(
    off: DualStoreSaver,
    on: DualStoreSaver,
    measured: Callable[[DualStoreSaver], float],
    rounds: int,
) -> tuple[str, Spread]:
    pairs: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        taken: dict[int, float] = {}
        for saver in (off, on) if number % 2 else (on, off):
            taken[id(saver)] = measured(saver)
            assert on.flush(), "not everything is archived"
        pairs.append((taken[id(off)], taken[id(on)]))
    without, with_it = (Spread.of(values).median for values in zip(*pairs[1:], strict=True))
    ratio = Spread.of([on_ms / off_ms for off_ms, on_ms in pairs[1:]])
    return f"{without:.2f} ms off, {with_it:.2f} ms on", ratio


def _prepared(saver: DualStoreSaver, count: int, length: int) -> list[Any]:
    """Threads of so many messages, archived if the saver archives."""
    graph = chat_graph(saver, asynchronous=False)
    configs = [thread_config(str(uuid4())) for _ in range(count)]
    for number, config in enumerate(configs):
        if length > 2:
            graph.update_state(config, {"messages": history(length - 2, number)}, "model")
        graph.invoke({"messages": [question(number)]}, config)
    if saver.settings.prefix == "on":
        assert saver.flush(), "not everything is archived"
    # People think before they say something. Both servers are at rest by then.
    sleep(PAUSE)
    return configs


def _turn_by_turn(
    saver: DualStoreSaver, runner: asyncio.Runner | None, configs: list[Any]
) -> list[float]:
    """The milliseconds of a turn on each thread."""
    graph = chat_graph(saver, asynchronous=runner is not None)
    taken: list[float] = []

    async def run() -> None:
        for config in configs:
            start = perf_counter()
            await graph.ainvoke({"messages": [question(0)]}, config)
            taken.append((perf_counter() - start) * 1000)

    with garbage_collected_before():
        if runner is not None:
            runner.run(run())
        else:
            for config in configs:
                start = perf_counter()
                graph.invoke({"messages": [question(0)]}, config)
                taken.append((perf_counter() - start) * 1000)
    return taken


def _latency(saver: DualStoreSaver, runner: asyncio.Runner | None, length: int) -> float:
    configs = _prepared(saver, LATENCY_THREADS, length)
    return median(_turn_by_turn(saver, runner, configs))


def _busy(saver: DualStoreSaver, runner: asyncio.Runner | None, length: int) -> float:
    configs = _prepared(saver, BUSY_THREADS, length)
    taken: list[float] = []
    while sum(taken) < BUSY_SECONDS * 1000:
        taken += _turn_by_turn(saver, runner, configs)
    return sum(taken) / len(taken)

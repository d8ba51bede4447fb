"""A chat turn with the archiver on, and with it off.

The archiver works in the same process, on a thread of its own, as it does by default.

- `latency`: what one user waits for. A turn with the one and a turn with the other take turns, so
  that whatever else slows the machine down slows both. Each is on a thread of its own, which is
  archived already; the archiver works after them, as it does between what people say.
- `busy`: what a process that does nothing but turns can do, for longer than the archiver waits:
  it is at work all the time, and everything it takes is in the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from time import perf_counter, sleep
from uuid import uuid4

from langchain_core.runnables import RunnableConfig

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
LATENCY_THREADS = 40
BUSY_THREADS = 60
BUSY_SECONDS = 1.5
PAUSE = 0.5

Pair = tuple[DualStoreSaver, DualStoreSaver]
"""Two savers: without an archive, and with one."""

Block = Callable[[Pair, asyncio.Runner | None, int, int], tuple[float, float]]
"""Returns the milliseconds of a turn with each of two savers: on threads of so many messages, in
the round of this number."""


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
                    with setting.saver("off", archived=False) as off, setting.saver("on") as on:
                        values, ratio = _compared(
                            (off, on), partial(block, (off, on), runner, length), rounds
                        )
                        if runner is not None:
                            runner.run(off.aclose())
                            runner.run(on.aclose())
                    api = "sync" if runner is None else "async"
                    what = f"{title}, {length} messages, {api}"
                    found.append(Row(what=what, values=values, ratio=ratio, bound=bound))
    return found


def _compared(
    savers: Pair, measured: Callable[[int], tuple[float, float]], rounds: int
) -> tuple[str, Spread]:
    pairs: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        pairs.append(measured(number))
        assert savers[1].flush(), "not everything is archived"
    without, with_it = (Spread.of(values).median for values in zip(*pairs[1:], strict=True))
    ratio = Spread.of([on_ms / off_ms for off_ms, on_ms in pairs[1:]])
    return f"{without:.2f} ms off, {with_it:.2f} ms on", ratio


def _prepared(saver: DualStoreSaver, count: int, length: int) -> list[RunnableConfig]:
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


def _latency(
    savers: Pair, runner: asyncio.Runner | None, length: int, number: int
) -> tuple[float, float]:
    prepared = [_prepared(saver, LATENCY_THREADS, length) for saver in savers]
    work = [
        (which, savers[which], prepared[which][thread])
        for thread in range(LATENCY_THREADS)
        for which in ((0, 1) if (number + thread) % 2 else (1, 0))
    ]
    taken = _turn_by_turn(runner, [(saver, config) for _, saver, config in work])
    both: tuple[list[float], list[float]] = ([], [])
    for (which, *_), milliseconds in zip(work, taken, strict=True):
        both[which].append(milliseconds)
    return median(both[0]), median(both[1])


def _busy(
    savers: Pair, runner: asyncio.Runner | None, length: int, number: int
) -> tuple[float, float]:
    found = [0.0, 0.0]
    for which in (0, 1) if number % 2 else (1, 0):
        configs = _prepared(savers[which], BUSY_THREADS, length)
        taken: list[float] = []
        while sum(taken) < BUSY_SECONDS * 1000:
            taken += _turn_by_turn(runner, [(savers[which], config) for config in configs])
        found[which] = sum(taken) / len(taken)
    return found[0], found[1]


def _turn_by_turn(
    runner: asyncio.Runner | None, work: Sequence[tuple[DualStoreSaver, RunnableConfig]]
) -> list[float]:
    """The milliseconds of a turn on each thread."""
    asynchronous = runner is not None
    savers = {id(saver): saver for saver, _ in work}
    graphs = {key: chat_graph(saver, asynchronous=asynchronous) for key, saver in savers.items()}
    said = {"messages": [question(0)]}
    taken: list[float] = []

    async def run() -> None:
        for saver, config in work:
            start = perf_counter()
            await graphs[id(saver)].ainvoke(said, config)
            taken.append((perf_counter() - start) * 1000)

    with garbage_collected_before():
        if runner is not None:
            runner.run(run())
        else:
            for saver, config in work:
                start = perf_counter()
                graphs[id(saver)].invoke(said, config)
                taken.append((perf_counter() - start) * 1000)
    return taken

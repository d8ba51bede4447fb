"""Archiving two new messages, on a long thread and on a short one."""

from __future__ import annotations

from time import perf_counter
from uuid import uuid4

from benchmarks.archive.measure import Row
from benchmarks.archive.setting import Setting
from benchmarks.dialogs import history, question
from benchmarks.graphs import chat_graph, thread_config
from benchmarks.results import Spread

BOUND = 1.5
LENGTHS = (10, 1000)
CALLS = 8


def increments(setting: Setting, rounds: int) -> list[Row]:
    with setting.saver("increments", archive_on="manual") as saver:
        graph = chat_graph(saver, asynchronous=False)
        threads = {length: str(uuid4()) for length in LENGTHS}
        for length, thread_id in threads.items():
            config = thread_config(thread_id)
            graph.update_state(config, {"messages": history(length, 0)}, "model")
            saver.archive_thread(thread_id)
        found: dict[int, list[float]] = {length: [] for length in LENGTHS}
        for number in range(rounds * CALLS):
            for length, thread_id in threads.items():
                graph.invoke({"messages": [question(number)]}, thread_config(thread_id))
                start = perf_counter()
                saver.archive_thread(thread_id)
                found[length].append((perf_counter() - start) * 1000)
    short, long = (found[length] for length in LENGTHS)
    ratio = Spread.of([b / a for a, b in zip(short, long, strict=True)])
    values = (
        f"{Spread.of(short).median:.1f} ms at {LENGTHS[0]} messages, "
        f"{Spread.of(long).median:.1f} ms at {LENGTHS[1]}"
    )
    return [Row(what="archiving two more messages", values=values, ratio=ratio, bound=BOUND)]

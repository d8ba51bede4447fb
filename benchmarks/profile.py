"""Shows where the time of one scenario goes, with one saver.

``python -m benchmarks.profile --scenario turn-200 --saver dualstore --api async``

``--how sample`` (the default) looks at every thread every half millisecond: it sees the threads
that LangGraph puts from, and C functions as the line that called them. ``--how cprofile`` counts
calls, on the main thread only: right for the async API and for ``put``, ``get_tuple``, ``list``.
Neither includes the preparation of threads.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path
from time import sleep
from types import FrameType
from typing import Annotated

os.environ["LANGSMITH_TRACING"] = "false"

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks.opened import opened
from benchmarks.rounds import (
    Around,
    atimed,
    garbage_collected_before,
    prepare,
    set_aside_what_stays,
    timed,
)
from benchmarks.savers import KINDS, MEASURED
from benchmarks.scale import FULL
from benchmarks.scenarios import TIMED

INTERVAL = 0.0005
SWITCH_INTERVAL = 0.0001
IDLE = {
    ("threading.py", "wait"),
    ("threading.py", "_wait_for_tstate_lock"),
    ("threading.py", "join"),
    ("thread.py", "_worker"),
    ("_base.py", "result"),
}
"""Where a thread only waits for another of the same process."""

HARNESS = ("benchmarks/", "typer/", "asyncio/runners.py", "asyncio/base_events.py", "<frozen")
"""Callers that are in every sample."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class How(StrEnum):
    SAMPLE = "sample"
    CPROFILE = "cprofile"


class Sampler(threading.Thread):
    """Counts what every other thread is doing, while it is switched on."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.samples = 0
        self.lines: Counter[str] = Counter()
        self.inside: Counter[str] = Counter()
        self.packages: Counter[str] = Counter()
        self._on = threading.Event()
        self._ended = False

    def run(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        mine = threading.get_ident()
        while not self._ended:
            self._on.wait()
            for thread, frame in sys._current_frames().items():  # noqa: SLF001 - documented, for this
                if thread != mine and self._on.is_set():
                    self._count(frame)
            del frame
            sleep(INTERVAL)

    @contextmanager
    def on(self) -> Iterator[None]:
        self._on.set()
        try:
            yield
        finally:
            self._on.clear()

    def end(self) -> None:
        self._ended = True
        self._on.set()
        self.join()

    def _count(self, frame: FrameType) -> None:
        # The frame goes on meanwhile: first read all of it, and fast.
        line, codes = frame.f_lineno, []
        outer: FrameType | None = frame
        while outer is not None:
            codes.append(outer.f_code)
            outer = outer.f_back
        innermost = codes[0]
        place = _place(innermost.co_filename)
        if (place.rpartition("/")[2], innermost.co_name) in IDLE:
            return
        self.samples += 1
        self.lines[f"{place}:{line} {innermost.co_name}"] += 1
        self.packages[place.split("/")[0]] += 1
        self.inside.update(
            f"{_place(code.co_filename)} {code.co_qualname}"
            for code in set(codes)
            if not _place(code.co_filename).startswith(HARNESS)
        )


@cache
def _place(file: str) -> str:
    """The file without the folders that are this machine's own."""
    parts = Path(file).parts
    for root in ("site-packages", f"python{sys.version_info[0]}.{sys.version_info[1]}"):
        if root in parts:
            return "/".join(parts[parts.index(root) + 1 :])
    for package in ("langgraph_dualstore", "benchmarks"):
        if package in parts:
            return "/".join(parts[parts.index(package) :])
    return parts[-1]


@app.command()
def main(
    scenario: Annotated[str, typer.Option(help=f"One of {', '.join(TIMED)}.")] = "turn-200",
    saver: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.")] = MEASURED,
    api: Annotated[str, typer.Option(help="sync or async.")] = "sync",
    seconds: Annotated[float, typer.Option(help="Measured time to collect.")] = 5,
    how: Annotated[How, typer.Option(help="Sample every thread, or count calls.")] = How.SAMPLE,
    rows: Annotated[int, typer.Option(help="Length of each table.")] = 25,
    dump: Annotated[Path | None, typer.Option(help="cprofile only: write the profile.")] = None,
) -> None:
    """Run one scenario again and again and show where its time goes."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    if how is How.SAMPLE:
        sampler = Sampler()
        sampler.start()
        calls, spent = _repeat(scenario, saver, api, seconds, sampler.on)
        sampler.end()
        _show(console, sampler, rows)
    else:
        profiler = cProfile.Profile()
        calls, spent = _repeat(scenario, saver, api, seconds, lambda: profiler)
        statistics = pstats.Stats(profiler).strip_dirs()
        statistics.sort_stats("tottime").print_stats(rows)
        statistics.sort_stats("cumulative").print_stats(rows)
        if dump:
            profiler.dump_stats(dump)
    console.print(f"{calls} calls, {1000 * spent / calls:.3g} ms each, while being watched")


def _repeat(
    scenario: str, name: str, api: str, seconds: float, watched: Around
) -> tuple[int, float]:
    """Runs blocks until their calls took so long; returns how many calls there were."""

    @contextmanager
    def watching() -> Iterator[None]:
        with garbage_collected_before(), watched():
            yield

    calls, spent, around = 0, 0.0, garbage_collected_before
    with opened() as servers:
        saver = servers.saver(name, api, many_at_once=TIMED[scenario].many_at_once)
        set_aside_what_stays()
        while spent < seconds:
            works = prepare(servers, TIMED[scenario], api, saver, FULL)
            if api == "sync":
                took, _ = timed(works, around)
            else:
                took, _ = servers.runner.run(atimed(works, around))
            servers.clear(name, saver)
            if around is watching:  # the first block only warms up
                calls += len(took)
                spent += sum(took)
            around = watching
    return calls, spent


def _show(console: Console, sampler: Sampler, rows: int) -> None:
    for title, counted in (
        ("By package, where the sample was taken", sampler.packages),
        ("By line", sampler.lines),
        ("By function, callees included", sampler.inside),
    ):
        table = Table("%", "where", title=title, title_justify="left", box=SIMPLE)
        for where, count in counted.most_common(rows):
            table.add_row(f"{100 * count / max(sampler.samples, 1):.1f}", where)
        console.print(table)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.profile")

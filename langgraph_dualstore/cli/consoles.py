"""Where commands print: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from typing import Any, NoReturn

import typer
from rich.console import Console

from langgraph_dualstore.cli.texts import visible

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


def say(line: str, *, wrap: bool = False) -> None:
    """Print a line of a result, whatever names it holds.

    Args:
        line: The line.
        wrap: Whether it is a sentence, which a terminal may show as several lines.
    """
    console = printing()
    whole = not (wrap and console.is_terminal)
    console.print(visible(line), markup=False, emoji=False, soft_wrap=whole)


def complain(sentence: str) -> None:
    """Say what went wrong; whatever names it holds, it is one line in a log or a pipe."""
    console = telling()
    wrap = console.is_terminal
    text = f"Error: {visible(sentence)}"
    console.print(text, style="red", markup=False, emoji=False, soft_wrap=not wrap)


def fail(sentence: str, *, code: int = 1) -> NoReturn:
    """Say what went wrong and end the command.

    Raises:
        typer.Exit: Always.
    """
    complain(sentence)
    raise typer.Exit(code)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # a terminal that cannot show a character
    console = Console(stderr=stderr, highlight=False)
    console.width = min(console.width, _WIDEST)
    return console

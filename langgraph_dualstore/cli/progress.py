"""How far a command has come, shown to a person at a terminal and to nobody else."""

from __future__ import annotations

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from langgraph_dualstore.cli.consoles import telling


def progress_bar(*, shown: bool = True) -> Progress:
    """Return a bar on standard error.

    Args:
        shown: Whether there is anything to show.
    """
    console = telling()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not (shown and console.is_terminal),
        redirect_stdout=False,  # which may be a file
    )

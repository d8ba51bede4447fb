"""The counts, side by side."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from langgraph_dualstore.cli.demo.counts import Counts, StoredCounts, rows


def show_counts(console: Console, recorded: Counts, stored: StoredCounts, archived: Counts) -> None:
    """Show what was recorded, what Redis gives back, and what PostgreSQL has."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    table.add_column("")
    for name in ("recorded", "Redis", "PostgreSQL"):
        table.add_column(name, justify="right")
    for (name, was), (_, hot), (_, cold) in zip(
        rows(recorded), rows(stored), rows(archived), strict=True
    ):
        style = "" if was == hot == cold else "bold red"
        table.add_row(name, f"{was:,}", f"{hot:,}", f"{cold:,}", style=style)
    table.add_row("checkpoints", "", f"{stored.checkpoints:,}", "")
    console.print(table)

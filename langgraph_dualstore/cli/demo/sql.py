"""Queries, shown together with what they find."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import Any, LiteralString

from rich.table import Table
from rich.text import Text

from langgraph_dualstore.cli.demo.stage import Stage

Rows = list[tuple[Any, ...]]


def show_query(stage: Stage, query: LiteralString, **given: Any) -> Rows:
    """Show a query's text.

    Args:
        stage: Where to ask and to print.
        query: Its parameters are named, as psycopg has it: `%(name)s`.
        **given: The parameters.

    Returns:
        What it finds.
    """
    return _ask(stage, query, given)[1]


def show_found(stage: Stage, query: LiteralString, **given: Any) -> None:
    """Show a query's text and, as a table, what it finds; arguments as for `show_query`."""
    names, rows = _ask(stage, query, given)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for at, name in enumerate(names):
        numbers = all(isinstance(row[at], int) for row in rows)
        table.add_column(
            name,
            justify="right" if numbers else "left",
            no_wrap=True,
            min_width=len(name) if numbers else None,
        )
    for row in rows:
        table.add_row(*(Text(_shown(value), overflow="ellipsis") for value in row))
    stage.console.print(table)


def _ask(stage: Stage, query: LiteralString, given: dict[str, Any]) -> tuple[list[str], Rows]:
    cursor = stage.database.execute(query, given)
    shown = dedent(query).strip()
    for name, value in given.items():
        shown = shown.replace(f"%({name})s", f"'{value}'")
    stage.console.print(Text(indent(shown, "  "), "cyan"), end="\n\n")
    return [column.name for column in cursor.description or ()], cursor.fetchall()


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)

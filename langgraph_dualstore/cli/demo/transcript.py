"""A conversation to read."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table
from rich.text import Text

from langgraph_dualstore.cli.demo.dialogs import Dialog
from langgraph_dualstore.cli.demo.sql import show_query
from langgraph_dualstore.cli.demo.stage import Stage

_STYLES = {"user": "bold cyan", "assistant": "bold green", "tool": "dim"}

_TRANSCRIPT = """
    SELECT m.turn, m.role, m.content, m.meta->'tool_calls' AS calls
    FROM prompt_messages AS m JOIN prompt_sessions AS s ON s.id = m.session_id
    WHERE s.thread_id = %(thread_id)s
    ORDER BY m.position
"""


def show_transcript(stage: Stage, dialog: Dialog) -> None:
    """Show a thread's messages, as the archive has them."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    before = None
    for turn, role, content, calls in show_query(stage, _TRANSCRIPT, thread_id=dialog.id):
        shown = "" if turn == before else str(turn)
        table.add_row(Text(shown, "bold"), Text(role, _STYLES[role]), _lines(role, content, calls))
        before = turn
    stage.console.print(table)


def _lines(role: str, content: str, calls: list[dict[str, Any]] | None) -> Text:
    if role == "tool":
        return _one_line(f"returns {content}")
    if calls:
        return _one_line("\n".join(f"calls {_call(call)}" for call in calls))
    return Text(content)


def _call(call: dict[str, Any]) -> str:
    arguments = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call["args"].items()
    )
    return f"{call['name']}({arguments})"


def _one_line(text: str) -> Text:
    return Text(text, "dim", no_wrap=True, overflow="ellipsis")

"""A conversation to read."""

from __future__ import annotations

import json

from langchain_core.messages import AIMessage, AnyMessage, ToolCall, ToolMessage
from rich.table import Table
from rich.text import Text

from langgraph_dualstore.cli.demo.dialogs import Dialog, role_of
from langgraph_dualstore.cli.demo.stage import Stage

_STYLES = {"user": "bold cyan", "assistant": "bold green", "tool": "dim"}


def show_transcript(stage: Stage, dialog: Dialog) -> None:
    """Show a thread's messages, as the saver gives them back."""
    found = stage.saver.get_tuple({"configurable": {"thread_id": dialog.id}})
    messages = found.checkpoint["channel_values"]["messages"] if found else []
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for message in messages:
        role = role_of(message)
        table.add_row(Text(role, _STYLES[role]), _lines(message))
    stage.console.print(table)


def _lines(message: AnyMessage) -> Text:
    if isinstance(message, ToolMessage):
        return _one_line(f"returns {message.text}")
    if isinstance(message, AIMessage) and message.tool_calls:
        return _one_line("\n".join(f"calls {_call(call)}" for call in message.tool_calls))
    return Text(message.text)


def _call(call: ToolCall) -> str:
    arguments = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call["args"].items()
    )
    return f"{call['name']}({arguments})"


def _one_line(text: str) -> Text:
    return Text(text, "dim", no_wrap=True, overflow="ellipsis")

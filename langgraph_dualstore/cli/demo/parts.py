"""The parts of the demonstration that follow the counts, in order."""

from __future__ import annotations

from collections.abc import Callable

from langgraph_dualstore.cli.demo.archived import show_archived
from langgraph_dualstore.cli.demo.dialogs import Dialog
from langgraph_dualstore.cli.demo.hot_keys import show_hot_keys
from langgraph_dualstore.cli.demo.restarted import show_restarted
from langgraph_dualstore.cli.demo.returned import show_returned
from langgraph_dualstore.cli.demo.stage import Stage
from langgraph_dualstore.cli.demo.time_travel import show_time_travel
from langgraph_dualstore.cli.demo.transcript import show_transcript

PARTS: tuple[tuple[str, Callable[[Stage, Dialog], None]], ...] = (
    ("What lies in Redis", show_hot_keys),
    ("What lies in PostgreSQL", show_archived),
    ("A transcript, by SQL", show_transcript),
    ("History and time travel", show_time_travel),
    ("Gone from Redis, and back", show_returned),
    ("After a restart", show_restarted),
)
"""A heading and what is shown under it, of one of the conversations."""

_SHORT, _LONG = 10, 16  # messages


def to_show(dialogs: list[Dialog]) -> Dialog:
    """Return a conversation that fits a screen: some turns, and tool calls if any has them."""
    for dialog in dialogs:
        if _SHORT <= len(dialog.messages) <= _LONG and dialog.results and len(dialog.questions) > 2:  # noqa: PLR2004
            return dialog
    return dialogs[0]

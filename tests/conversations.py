"""Conversations put by hand, step by step, for what concerns the store below a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from raw_checkpoints import put


def message(n: int, text: str = "") -> BaseMessage:
    """The nth message; long enough to be stored in the log."""
    kind = HumanMessage if n % 2 else AIMessage
    return kind(text or f"message {n}: " + "words " * 30, id=f"m{n}")


def messages(count: int, start: int = 1) -> list[BaseMessage]:
    return [message(n) for n in range(start, start + count)]


def talk(
    saver: Any,
    steps: int,
    *,
    start: int = 1,
    parent: RunnableConfig | None = None,
    said: Sequence[BaseMessage] = (),
    **options: Any,
) -> RunnableConfig:
    """Puts steps that each add a message and have a pending write; returns the last config."""
    said = list(said)
    for n in range(start, start + steps):
        said = [*said, message(n)]
        parent = put(saver, n, {"messages": said, "count": n}, parent=parent, **options)
        saver.put_writes(parent, [("count", n)], f"task-{n}")
    assert parent
    return parent

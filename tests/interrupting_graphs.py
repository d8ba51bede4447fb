"""Graphs that stop to ask: one node twice, or three nodes at once."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt


class Log(TypedDict, total=False):
    lines: Annotated[list[str], operator.add]


def asks_twice(saver: BaseCheckpointSaver[Any]) -> Any:
    def ask(state: Log) -> Log:
        name = interrupt({"question": "your name?", "choices": ["a", None, 3]})
        age = interrupt(f"how old is {name}?")
        return {"lines": [f"{name} is {age}"]}

    builder = StateGraph(Log)
    builder.add_node("begin", lambda state: {"lines": ["begin"]})
    builder.add_node("ask", ask)
    builder.add_node("end", lambda state: {"lines": ["end"]})
    builder.add_edge(START, "begin")
    builder.add_edge("begin", "ask")
    builder.add_edge("ask", "end")
    builder.add_edge("end", END)
    return builder.compile(checkpointer=saver)


def asks_in_parallel(saver: BaseCheckpointSaver[Any]) -> Any:
    builder = StateGraph(Log)
    for name in ("red", "green", "blue"):

        def ask(state: Log, name: str = name) -> Log:
            return {"lines": [f"{name}: {interrupt(f'{name}?')}"]}

        builder.add_node(name, ask)
        builder.add_edge(START, name)
        builder.add_edge(name, END)
    return builder.compile(checkpointer=saver)

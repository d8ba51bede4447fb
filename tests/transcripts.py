"""Chats whose nodes do to the messages what each turn says, and what an archive has of them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from memory_archive import MemoryArchive

CONFIG: Any = {"configurable": {"thread_id": "thread"}}


class Given(TypedDict, total=False):
    messages: Annotated[list[Any], add_messages]
    notes: Annotated[list[Any], add_messages]
    topic: str


class Plain(TypedDict, total=False):
    messages: Annotated[list[Any], operator.add]


def last_four(old: list[Any], new: list[Any]) -> list[Any]:
    return [*old, *new][-4:]


class Trimmed(TypedDict, total=False):
    messages: Annotated[list[Any], last_four]


def human(text: str) -> HumanMessage:
    return HumanMessage(text, id=text)


def ai(text: str) -> AIMessage:
    return AIMessage(text, id=text)


def graph_of(
    saver: BaseCheckpointSaver[Any], node: Callable[[Any], Any], state: type = Given
) -> Any:
    builder = StateGraph(state)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    builder.add_edge("node", END)
    return builder.compile(checkpointer=saver)


def echo(state: Any) -> dict[str, Any]:
    return {"messages": [ai(f"re {state['messages'][-1].text}")]}


def chat(saver: BaseCheckpointSaver[Any], state: type = Given) -> Any:
    return graph_of(saver, echo, state)


def say(graph: Any, *texts: str, config: Any = CONFIG) -> None:
    for text in texts:
        graph.invoke({"messages": [human(text)]}, config)


def update(graph: Any, *messages: Any, config: Any = CONFIG) -> None:
    graph.update_state(config, {"messages": list(messages)}, as_node="node")


def texts_in(graph: Any, channel: str = "messages", config: Any = CONFIG) -> list[str]:
    values = graph.get_state(config).values
    return [
        message["content"] if isinstance(message, dict) else message.text
        for message in values.get(channel, [])
    ]


def assert_transcript(
    archive: MemoryArchive, graph: Any, *texts: str, thread_id: str = "thread"
) -> None:
    """It has exactly these messages, and as not removed exactly those of the state."""
    config: Any = {"configurable": {"thread_id": thread_id}}
    written = archive.contents(thread_id)
    assert written == list(texts), f"{written} != {list(texts)}"
    kept = archive.threads[thread_id]
    for channel in {channel for channel, _ in kept.messages}:
        present = [
            row.content
            for place, row in kept.messages.items()
            if place[0] == channel and place not in kept.removed
        ]
        assert sorted(present) == sorted(texts_in(graph, channel, config))

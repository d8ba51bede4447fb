"""The graph that the demonstration runs: a model that may call tools until it answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph

from langgraph_dualstore.cli.demo.dialogs import Dialog, answer_of


class Chat(TypedDict):
    """The state: the conversation."""

    messages: Annotated[list[AnyMessage], add_messages]


Graph = CompiledStateGraph[Chat, None, Chat, Chat]


def recorded_graph(saver: BaseCheckpointSaver[Any], dialogs: Iterable[Dialog]) -> Graph:
    """Return a compiled graph in which recorded answers stand in for a model and its tools.

    The model holds nothing between two calls: how far the conversation has come, it
    reads from the messages that the checkpointer brought back.
    """
    by_id = {dialog.id: dialog for dialog in dialogs}

    def model(state: Chat, config: RunnableConfig) -> dict[str, Any]:
        recorded = by_id[config["configurable"]["dialog"]].messages
        position = len(state["messages"])
        if position == len(recorded):
            return {}  # this recording ends with a tool's result
        return {"messages": [answer_of(recorded[position])]}

    def tools(state: Chat, config: RunnableConfig) -> dict[str, Any]:
        results = by_id[config["configurable"]["dialog"]].results
        return {"messages": [results[call["id"]] for call in _calls(state)]}

    def after_model(state: Chat) -> str:
        return "tools" if _calls(state) else END

    builder = StateGraph(Chat)
    builder.add_node("model", model)
    builder.add_node("tools", tools)
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", after_model, ["tools", END])
    builder.add_edge("tools", "model")
    return builder.compile(checkpointer=saver)


def thread_of(dialog: Dialog, thread_id: str | None = None) -> RunnableConfig:
    """Return the config of a conversation's thread, which is named for it by default."""
    return {
        "configurable": {
            "thread_id": thread_id or dialog.id,
            "dialog": dialog.id,
            "language": dialog.language,
        },
        "recursion_limit": 100,
    }


def _calls(state: Chat) -> list[Any]:
    return getattr(state["messages"][-1], "tool_calls", [])

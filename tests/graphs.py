"""Graphs that several tests run: a chat, and a loop of a model and its tools."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode


class Chat(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    turns: int


def answer(state: Chat) -> dict[str, Any]:
    last = state["messages"][-1]
    turns = state.get("turns", 0) + 1
    return {
        "messages": [AIMessage(f"{turns}: {last.text}", id=f"ai-of-{last.id}")],
        "turns": turns,
    }


def chat_graph(saver: BaseCheckpointSaver[Any]) -> Any:
    builder = StateGraph(Chat)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    builder.add_edge("answer", END)
    return builder.compile(checkpointer=saver)


def says(text: str, id: str | None = None) -> dict[str, Any]:
    """A user's turn; the message's id is its text, so that two runs have the same ids."""
    return {"messages": [HumanMessage(text, id=id or f"says-{text}")]}


@tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@tool
def multiply(a: int, b: int) -> int:
    """Multiplies two numbers."""
    return a * b


def scripted_model(state: Chat) -> dict[str, Any]:
    """Asks for both tools at once, then for one more, then answers with what they gave."""
    since_user = []
    for message in reversed(state["messages"]):
        if isinstance(message, HumanMessage):
            break
        since_user.insert(0, message)
    results = [message.content for message in since_user if isinstance(message, ToolMessage)]
    prefix = f"model-{len(state['messages'])}"

    def call(name: str, a: int, b: int) -> dict[str, Any]:
        return {"name": name, "args": {"a": a, "b": b}, "id": f"{prefix}-{name}"}

    if not results:
        calls = [call("add", 2, 3), call("multiply", 4, 5)]
    elif len(results) == 2:
        calls = [call("add", *map(int, results))]
    else:
        return {"messages": [AIMessage(f"the results: {results}", id=prefix)]}
    return {"messages": [AIMessage("", tool_calls=calls, id=prefix)]}


def keep_message_ids(state: Chat) -> dict[str, Any]:
    """ToolNode leaves the ids of its messages to chance; two runs need the same ones."""
    return {
        "messages": [
            message.model_copy(update={"id": f"result-of-{message.tool_call_id}"})
            for message in ToolNode([add, multiply]).invoke(state)["messages"]
        ]
    }


def tool_loop_graph(saver: BaseCheckpointSaver[Any]) -> Any:
    builder = StateGraph(Chat)
    builder.add_node("model", scripted_model)
    builder.add_node("tools", keep_message_ids)
    builder.add_edge(START, "model")
    builder.add_conditional_edges(
        "model", lambda state: "tools" if state["messages"][-1].tool_calls else END, ["tools", END]
    )
    builder.add_edge("tools", "model")
    return builder.compile(checkpointer=saver)

"""The compiled graphs that the scenarios run, each with a sync and an async node."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AnyMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send

from benchmarks.dialogs import answer, recorded_answers


class Chat(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


class RecordedChatModel(BaseChatModel):
    """A chat model that answers from the recorded conversations, without a network.

    What LangChain does around every model call is part of every turn that a user has.
    """

    @property
    def _llm_type(self) -> str:
        return "recorded"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        said = answer(str(messages[-1].content))
        return ChatResult(generations=[ChatGeneration(message=said)])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return self._generate(messages)


def chat_graph(saver: BaseCheckpointSaver[Any], *, asynchronous: bool) -> CompiledStateGraph:
    """One node that asks a chat model."""
    chat_model = RecordedChatModel()

    def model(state: Chat) -> dict[str, Any]:
        return {"messages": [chat_model.invoke(state["messages"])]}

    async def amodel(state: Chat) -> dict[str, Any]:
        return {"messages": [await chat_model.ainvoke(state["messages"])]}

    builder = StateGraph(Chat)
    builder.add_node("model", amodel if asynchronous else model)
    builder.add_edge(START, "model")
    return builder.compile(checkpointer=saver)


class Research(TypedDict):
    topics: list[str]
    notes: Annotated[list[dict[str, str]], operator.add]


class Topic(TypedDict):
    topic: str


def fan_out_graph(saver: BaseCheckpointSaver[Any], *, asynchronous: bool) -> CompiledStateGraph:
    """A plan, one ``Send`` per topic, and a node that runs when all of them are done."""

    def work(task: Topic) -> dict[str, Any]:
        return {"notes": [{"topic": task["topic"], "note": recorded_answers()[task["topic"]]}]}

    async def awork(task: Topic) -> dict[str, Any]:
        return work(task)

    def merge(_: Research) -> dict[str, Any]:
        return {}

    async def amerge(_: Research) -> dict[str, Any]:
        return {}

    def plan(state: Research) -> list[Send]:
        return [Send("work", {"topic": topic}) for topic in state["topics"]]

    builder = StateGraph(Research)
    builder.add_node("work", awork if asynchronous else work)
    builder.add_node("merge", amerge if asynchronous else merge)
    builder.add_conditional_edges(START, plan, ["work"])
    builder.add_edge("work", "merge")
    return builder.compile(checkpointer=saver)


def thread_config(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id}}

"""The graph: one node, which asks the model. Yours will have more; the service is the same."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langgraph_dualstore import DualStoreSaver

ChatGraph = CompiledStateGraph[MessagesState, None, MessagesState, MessagesState]


def build_graph(model: BaseChatModel, saver: DualStoreSaver) -> ChatGraph:
    """Return a chat with a model whose threads a saver keeps."""

    async def answer(state: MessagesState) -> dict[str, object]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)

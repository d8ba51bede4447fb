"""The state document of graphs that keep their messages in other ways."""

import operator
from typing import Annotated, Any, TypedDict

import pytest
from documents import checked
from graph_runner import thread
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.channels import DeltaChannel
from langgraph.func import entrypoint
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from transcripts import ai, human


@pytest.fixture
def archive(either_archive):
    return either_archive


def test_delta_channels_of_messages_are_rebuilt(open_saver, archive, redis_client):
    class Delta(TypedDict):
        messages: Annotated[list[Any], DeltaChannel(add_messages_delta)]
        count: Annotated[int, operator.add]

    builder = StateGraph(Delta)

    def answer(state):
        return {"messages": [ai(f"re {len(state['messages'])}")], "count": 1}

    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    with open_saver(archive=archive, run_archiver=False) as saver:
        graph = builder.compile(checkpointer=getattr(saver, "saver", saver))
        for text in ("one", "two"):
            graph.invoke({"messages": [human(text)]}, thread("t"))
        contents = [m.text for m in graph.get_state(thread("t")).values["messages"]]
        document = checked(saver.state_document("t"))
        assert [m["content"] for m in document["messages"]] == contents
        assert saver.thread("t").message_count == 4
        assert len(saver.turn_ranges("t")) == 2
        saver.archive_thread("t")
        redis_client.flushdb()
        cold = saver.state_document("t")
        assert [m["content"] for m in cold["messages"]] == contents


def add_messages_delta(old, writes):
    for write in writes:
        old = add_messages(old or [], write)
    return old or []


def test_what_a_functional_entrypoint_saved_is_the_state(open_saver):
    with open_saver() as saver:
        checkpointer = getattr(saver, "saver", saver)

        @entrypoint(checkpointer=checkpointer)
        def chat(said, previous=None):
            return [*(previous or []), HumanMessage(said), AIMessage(f"re {said}")]

        @entrypoint(checkpointer=checkpointer)
        def count(_, previous=None):
            return {"count": (previous or {}).get("count", 0) + 1}

        for text in ("one", "two"):
            chat.invoke(text, thread("chat"))
            count.invoke(text, thread("count"))
        document = checked(saver.state_document("chat"))
        assert [m["content"] for m in document["messages"]] == ["one", "re one", "two", "re two"]
        assert saver.turn_ranges("chat")["2"] == {"start_msg_idx": 2, "end_msg_idx": 3}
        assert checked(saver.state_document("count"))["count"] == 2

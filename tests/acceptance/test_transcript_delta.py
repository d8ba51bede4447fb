"""Transcripts of messages in a DeltaChannel: only writes are stored, and now and then a snapshot."""

from typing import Annotated, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from langgraph.channels.delta import DeltaChannel
from langgraph.graph import START, StateGraph
from langgraph.graph.message import _messages_delta_reducer
from memory_archive import MemoryArchive

from langgraph_dualstore import DualStoreSaver


def forgetful_graph(saver, snapshot_frequency):
    """Answers, and removes the oldest message once there are more than four."""
    channel = DeltaChannel(_messages_delta_reducer, snapshot_frequency=snapshot_frequency)

    class Chat(TypedDict):
        messages: Annotated[list, channel]

    def answer(state):
        messages = state["messages"]
        answers = [AIMessage(f"a{len(messages)}", id=f"a{len(messages)}")]
        if len(messages) > 4:
            answers.append(RemoveMessage(id=messages[0].id))
        return {"messages": answers}

    builder = StateGraph(Chat)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


@pytest.mark.parametrize("snapshot_frequency", [1, 3, 1000])
def test_every_message_of_a_delta_channel_is_archived_and_restored(
    redis_url, redis_client, snapshot_frequency
):
    archive = MemoryArchive()
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, archive_on="inline") as saver:
        graph = forgetful_graph(saver, snapshot_frequency)
        config = {"configurable": {"thread_id": "1"}}
        for turn in range(6):
            graph.invoke({"messages": [HumanMessage(f"h{turn}", id=f"h{turn}")]}, config)
            state = graph.get_state(config)
            assert archive.present() == [message.content for message in state.values["messages"]]
            redis_client.flushall()
            assert graph.get_state(config) == state
    everything = ["h0", "a1", "h1", "a3", "h2", "a5", "h3", "a6", "h4", "a7", "h5", "a8"]
    assert archive.contents() == everything

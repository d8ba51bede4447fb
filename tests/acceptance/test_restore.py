"""A thread that has left Redis comes back as if it had never gone."""

import operator
import time
from datetime import timedelta
from typing import Annotated, TypedDict

import pytest
from eventually import eventually
from graph_runner import thread
from graphs import chat_graph, says, tool_loop_graph
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from memory_archive import MemoryArchive

from langgraph_dualstore import DualStoreSaver


@pytest.fixture
def archive(either_archive):
    return either_archive


@pytest.fixture(params=["FLUSHALL", "DEL", "expiry"])
def leave(request, redis_client):
    """Makes a thread leave Redis."""

    def lose(saver, thread_id="thread"):
        assert saver.flush()
        keys = [key for key in redis_client.scan_iter("langgraph:state:{*") if b"queue" not in key]
        assert keys
        if request.param == "FLUSHALL":
            redis_client.flushall()
        elif request.param == "DEL":
            redis_client.delete(*keys)
        else:
            for key in keys:
                redis_client.pexpire(key, 20)
            eventually(lambda: not redis_client.exists(*keys))
        assert saver.ttl_of(thread_id) == timedelta(0)

    return lose


def test_a_conversation_goes_on(redis_url, archive, leave):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive) as saver:
        graph, config = chat_graph(saver), thread(user_id="ann")
        graph.invoke(says("one"), config)
        before = graph.get_state(config)
        leave(saver)
        assert graph.get_state(config) == before
        assert timedelta(hours=23) < saver.ttl_of("thread") <= timedelta(hours=24)
        leave(saver)
        values = graph.invoke(says("two"), config)
        assert [m.content for m in values["messages"]] == ["one", "1: one", "two", "2: two"]
        leave(saver)
        assert graph.get_state(config).values == values


async def test_the_async_api_restores_too(redis_url, archive, leave):
    async with DualStoreSaver.from_conn_string(redis_url, archive=archive) as saver:
        graph, config = tool_loop_graph(saver), thread()
        await graph.ainvoke(says("add 1 2"), config)
        before = await graph.aget_state(config)
        leave(saver)
        assert await graph.aget_state(config) == before


def test_an_interrupt_can_be_answered_after_the_thread_has_left(redis_url, archive, leave):
    def ask(state):
        return {"messages": [("ai", f"you said {interrupt('what?')}")]}

    builder = StateGraph(MessagesState)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    with DualStoreSaver.from_conn_string(redis_url, archive=archive) as saver:
        graph, config = builder.compile(checkpointer=saver), thread()
        graph.invoke(says("hi"), config)
        before = graph.get_state(config)
        assert saver.archive_thread("thread") == "archived"
        leave(saver)
        assert graph.get_state(config) == before
        assert before.next == ("ask",)
        leave(saver)
        values = graph.invoke(Command(resume="tea"), config)
        assert values["messages"][-1].content == "you said tea"


def test_a_subgraph_keeps_its_memory(redis_url, archive, leave):
    class Memory(TypedDict):
        seen: Annotated[list[str], operator.add]

    inner = StateGraph(Memory)
    inner.add_node("note", lambda state: {"seen": [f"visit {len(state.get('seen', []))}"]})
    inner.add_edge(START, "note")
    remembering = inner.compile(checkpointer=True)

    def visit(state):
        seen = remembering.invoke({"seen": []})["seen"]
        return {"messages": [("ai", ", ".join(seen))]}

    builder = StateGraph(MessagesState)
    builder.add_node("visit", visit)
    builder.add_edge(START, "visit")
    with DualStoreSaver.from_conn_string(redis_url, archive=archive) as saver:
        graph, config = builder.compile(checkpointer=saver), thread()
        for _ in range(2):
            graph.invoke(says("hi"), config)
            leave(saver)
        values = graph.invoke(says("hi"), config)
        assert values["messages"][-1].content == "visit 0, visit 1, visit 2"


def test_the_whole_history_comes_back_if_it_was_archived(redis_url, archive, leave):
    with DualStoreSaver.from_conn_string(
        redis_url, archive=archive, archive_history="all"
    ) as saver:
        graph, config = chat_graph(saver), thread()
        for text in ("one", "two", "three"):
            graph.invoke(says(text), config)
        before = list(graph.get_state_history(config))
        assert len(before) == 9
        leave(saver)
        assert list(graph.get_state_history(config)) == before
        leave(saver)
        fork = graph.get_state(before[4].config)
        assert fork == before[4]
        graph.invoke(says("another two"), before[4].config)
        leave(saver)
        assert len(list(graph.get_state_history(config))) == 12


def test_of_a_newest_history_only_the_newest_checkpoint_comes_back(redis_url, archive, leave):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive) as saver:
        graph, config = chat_graph(saver), thread()
        for text in ("one", "two"):
            graph.invoke(says(text), config)
        before = graph.get_state(config)
        leave(saver)
        assert list(graph.get_state_history(config)) == [before]


def test_listing_a_thread_restores_it_too(redis_url, archive, leave):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive) as saver:
        graph, config = chat_graph(saver), thread()
        graph.invoke(says("one"), config)
        leave(saver)
        assert len(list(saver.list({"configurable": {"thread_id": "thread"}}))) == 1


def test_a_copy_of_an_expired_thread_is_a_copy_of_what_is_archived(redis_url, archive, leave):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive) as saver:
        graph, config = chat_graph(saver), thread()
        graph.invoke(says("one"), config)
        values = graph.get_state(config).values
        leave(saver)
        saver.copy_thread("thread", "copy")
        assert graph.get_state(thread("copy")).values == values
        leave(saver, "copy")
        assert graph.get_state(thread("copy")).values == values


def test_a_thread_really_expires_and_comes_back(redis_url, archive):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, ttl=0.4) as saver:
        graph, config = chat_graph(saver), thread()
        graph.invoke(says("one"), config)
        before = graph.get_state(config)
        eventually(lambda: saver.ttl_of("thread") == timedelta(0))
        time.sleep(0.05)
        assert graph.get_state(config) == before
        assert saver.ttl_of("thread") > timedelta(0)


def test_restore_can_be_turned_off(redis_url, archive, leave):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, restore=False) as saver:
        graph, config = chat_graph(saver), thread()
        graph.invoke(says("one"), config)
        assert saver.restore_thread("thread"), "it is in Redis"
        leave(saver)
        assert graph.get_state(config).values == {}
        assert list(graph.get_state_history(config)) == []
        assert saver.restore_thread("thread")
        assert len(graph.get_state(config).values["messages"]) == 2


def test_a_thread_that_starts_anew_over_an_archived_one_keeps_its_transcript(
    redis_url, redis_client
):
    archive = MemoryArchive()
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, restore=False) as saver:
        graph, config = chat_graph(saver), thread("1")
        graph.invoke(says("one"), config)
        assert saver.flush()
        redis_client.flushall()
        graph.invoke(says("two"), config)
        assert saver.flush()
        assert archive.contents() == ["one", "1: one", "two", "1: two"]
        assert archive.present() == ["two", "1: two"]


def test_a_new_thread_costs_one_question_and_a_turn_none(redis_url):
    archive = MemoryArchive()
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as saver:
        graph, config = chat_graph(saver), thread("1")
        graph.invoke(says("one"), config)
        assert archive.calls == ["restore"]
        graph.invoke(says("two"), config)
        graph.get_state(config)
        list(graph.get_state_history(config))
        assert archive.calls == ["restore"]


def test_what_a_lagging_server_has_is_not_archived_over_what_is_newer(
    redis_url, redis_client, archive
):
    """A failover to a replica that had not heard of the last turns, nor of their archive."""
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as saver:
        graph, config = chat_graph(saver), thread()
        graph.invoke(says("one"), config)
        lagging = {key: redis_client.dump(key) for key in redis_client.scan_iter()}
        graph.invoke(says("two"), config)
        saver.archive_thread("thread")
        newest = graph.get_state(config)

        redis_client.flushall()
        for key, value in lagging.items():
            redis_client.restore(key, 0, value)
        assert len(graph.get_state(config).values["messages"]) == 2
        assert saver.archive_thread("thread") == "archived"
        redis_client.flushall()
        assert graph.get_state(config) == newest
        graph.invoke(says("three"), config)
        assert saver.archive_thread("thread") == "archived"
        redis_client.flushall()
        assert len(graph.get_state(config).values["messages"]) == 6


def test_a_conversation_that_goes_on_from_a_lagging_server_is_archived(
    redis_url, redis_client, archive
):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as saver:
        graph, config = chat_graph(saver), thread()
        graph.invoke(says("one"), config)
        lagging = {key: redis_client.dump(key) for key in redis_client.scan_iter()}
        graph.invoke(says("two"), config)
        saver.archive_thread("thread")
        redis_client.flushall()
        for key, value in lagging.items():
            redis_client.restore(key, 0, value)
        saver.archive_thread("thread")
        graph.invoke(says("another two"), config)
        assert saver.archive_thread("thread") == "archived"
        now = graph.get_state(config)
        redis_client.flushall()
        assert graph.get_state(config) == now
        assert [m.content for m in now.values["messages"]][2] == "another two"

"""One saver used through both of its APIs, inside a running loop and from several loops."""

import asyncio
import operator
import threading
from typing import Annotated, Any, TypedDict

from graph_runner import outline_stored, thread
from graphs import chat_graph, says
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from langgraph_dualstore import DualStoreSaver


class Log(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


def child_that_asks():
    def ask(state: Log) -> Log:
        return {"log": [f"asked {len(state['log'])}: {interrupt('?')}"]}

    builder = StateGraph(Log)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    return builder.compile(checkpointer=True)


async def test_a_sync_node_calls_a_subgraph_inside_an_async_graph(saver, durability):
    """The subgraph then uses the sync methods on a worker thread."""

    async def run(on):
        child = child_that_asks()

        def call_child(state: Log) -> Log:
            return {"log": child.invoke({"log": ["from parent"]})["log"][-1:]}

        builder = StateGraph(Log)
        builder.add_node("call", call_child)
        builder.add_edge(START, "call")
        graph = builder.compile(checkpointer=on)
        for answer in ("one", "two"):
            await graph.ainvoke({"log": []}, thread(), durability=durability)
            result = await graph.ainvoke(Command(resume=answer), thread(), durability=durability)
        return result, outline_stored(on.list(thread()))

    result, stored = await run(saver)
    assert result["log"] == ["asked 1: one", "asked 3: two"]
    assert (result, stored) == await run(InMemorySaver())


async def test_sync_methods_work_while_a_loop_runs(saver):
    graph = chat_graph(saver)
    graph.invoke(says("sync in a loop"), thread())
    await graph.ainvoke(says("async"), thread())
    graph.update_state(thread(), says("updated"), "__start__")
    assert graph.get_state(thread()).next == ("answer",)
    result = graph.invoke(None, thread())
    assert [message.text for message in result["messages"]] == [
        "sync in a loop",
        "1: sync in a loop",
        "async",
        "2: async",
        "updated",
        "3: updated",
    ]
    from_sync = [state.values for state in graph.get_state_history(thread())]
    from_async = [state.values async for state in graph.aget_state_history(thread())]
    assert from_sync == from_async
    saver.delete_thread("thread")
    assert await saver.aget_tuple(thread()) is None


async def test_what_one_api_wrote_the_other_goes_on_with(saver):
    graph = chat_graph(saver)
    for turn in range(6):
        if turn % 2:
            result = await graph.ainvoke(says(str(turn)), thread())
        else:
            result = await asyncio.to_thread(graph.invoke, says(str(turn)), thread())
    assert [message.text for message in result["messages"][::2]] == list("012345")
    assert result["turns"] == 6


def test_one_saver_is_used_from_two_loops_in_turn(redis_url):
    with DualStoreSaver.from_conn_string(redis_url) as saver:
        graph = chat_graph(saver)
        for turn in range(3):
            result = asyncio.run(graph.ainvoke(says(str(turn)), thread()))
        graph.invoke(says("sync"), thread())
        state = asyncio.run(graph.aget_state(thread()))
    assert result["turns"] == 3
    assert state.values["turns"] == 4


def test_a_saver_opened_in_one_loop_is_used_in_another(redis_url):
    async def open_and_run():
        async with DualStoreSaver.from_conn_string(redis_url) as saver:
            graph = chat_graph(saver)
            await graph.ainvoke(says("first loop"), thread())
            other = threading.Thread(
                target=lambda: asyncio.run(graph.ainvoke(says("second loop"), thread()))
            )
            other.start()
            await asyncio.to_thread(other.join)
            return await graph.ainvoke(says("first again"), thread())

    result = asyncio.run(open_and_run())
    assert [message.text for message in result["messages"][::2]] == [
        "first loop",
        "second loop",
        "first again",
    ]


def test_two_loops_use_one_saver_at_the_same_time(saver):
    graph = chat_graph(saver)
    turns: dict[str, Any] = {}

    async def chat(name):
        for turn in range(5):
            result = await graph.ainvoke(says(f"{turn}"), thread(name))
        turns[name] = [message.text for message in result["messages"][::2]]

    loops = [threading.Thread(target=lambda name=name: asyncio.run(chat(name))) for name in "abcd"]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    assert turns == {name: list("01234") for name in "abcd"}

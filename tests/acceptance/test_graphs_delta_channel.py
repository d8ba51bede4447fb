"""Graphs whose messages are a DeltaChannel: only the writes are stored, values are rebuilt."""

from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

import pytest
from graph_runner import outline_history, thread
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Overwrite, Send, interrupt

from langgraph_dualstore import DualStoreSaver


def extend(state: list[Any], writes: Sequence[list[Any]]) -> list[Any]:
    return [*state, *(item for write in writes for item in write)]


def delta_graph(on, snapshot_frequency=1000):
    class Log(TypedDict, total=False):
        lines: Annotated[list[Any], DeltaChannel(extend, snapshot_frequency=snapshot_frequency)]
        turns: int

    builder = StateGraph(Log)
    builder.add_node(
        "answer",
        lambda state: {
            "lines": [f"answer to {state['lines'][-1]}"],
            "turns": state.get("turns", 0) + 1,
        },
    )
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=on)


def says(text):
    return {"lines": [text]}


@pytest.mark.parametrize("snapshot_frequency", [1, 3, 1000])
async def test_a_delta_channel_is_rebuilt_in_every_turn(saver, runner, snapshot_frequency):
    async def run(on):
        graph, config = delta_graph(on, snapshot_frequency), thread()
        for turn in range(8):
            result = await runner.invoke(graph, says(f"t{turn}"), config)
            assert (await runner.state(graph, config)).values == result
        return result, outline_history(await runner.history(graph, config))

    result, history = await run(saver)
    assert result["lines"] == [
        line for turn in range(8) for line in (f"t{turn}", f"answer to t{turn}")
    ]
    assert (result, history) == await run(InMemorySaver())


async def test_branches_of_a_delta_channel_keep_their_own_lines(saver, runner):
    async def run(on):
        graph, config = delta_graph(on, 3), thread()
        await runner.invoke(graph, says("root"), config)
        fork = (await runner.state(graph, config)).config
        tips = []
        for branch in ("left", "right"):
            await runner.invoke(graph, says(branch), fork)
            await runner.invoke(graph, says(f"{branch} again"), config)
            tips.append((await runner.state(graph, config)).config)
        branches = [(await runner.state(graph, tip)).values["lines"][2::2] for tip in tips]
        return branches, outline_history(await runner.history(graph, config))

    branches, history = await run(saver)
    assert branches == [["left", "left again"], ["right", "right again"]]
    assert (branches, history) == await run(InMemorySaver())


async def test_parallel_writes_to_a_delta_channel_keep_their_order(saver, runner):
    """Replayed in the order that the run applied them, which task ids do not show."""

    async def run(on):
        class Log(TypedDict, total=False):
            lines: Annotated[list[Any], DeltaChannel(extend)]

        builder = StateGraph(Log)
        builder.add_node("work", lambda task: {"lines": [task["n"]]})
        builder.add_node("end", lambda state: {"lines": ["end"]})
        builder.add_conditional_edges(
            START, lambda _: [Send("work", {"n": n}) for n in range(20)], ["work"]
        )
        builder.add_edge("work", "end")
        graph = builder.compile(checkpointer=on)
        for _ in range(2):
            result = await runner.invoke(graph, {"lines": ["start"]}, thread())
        return result["lines"], (await runner.state(graph, thread())).values["lines"]

    lines, rebuilt = await run(saver)
    assert lines == ["start", *range(20), "end"] * 2
    assert rebuilt == lines
    assert (lines, rebuilt) == await run(InMemorySaver())


async def test_a_delta_channel_survives_updates_overwrites_and_interrupts(saver, runner):
    async def run(on):
        class Log(TypedDict, total=False):
            lines: Annotated[list[Any], DeltaChannel(extend, snapshot_frequency=4)]

        builder = StateGraph(Log)
        builder.add_node("ask", lambda state: {"lines": [interrupt("?")]})
        builder.add_edge(START, "ask")
        graph, config = builder.compile(checkpointer=on), thread()
        seen = []
        for turn in range(3):
            await runner.invoke(graph, {"lines": [f"t{turn}"]}, config)
            await runner.update(graph, config, {"lines": [f"update {turn}"]}, "__start__")
            seen.append((await runner.state(graph, config)).values["lines"])
            await runner.invoke(graph, Command(resume=f"answer {turn}"), config)
            seen.append((await runner.state(graph, config)).values["lines"])
        await runner.update(graph, config, {"lines": Overwrite(["fresh"])}, "ask")
        await runner.update(graph, config, {"lines": ["more"]}, "ask")
        seen.append((await runner.state(graph, config)).values["lines"])
        return seen

    seen = await run(saver)
    assert seen[-1] == ["fresh", "more"]
    assert seen == await run(InMemorySaver())


@pytest.mark.parametrize("keep_last", [1, 2])
async def test_a_shallow_saver_keeps_what_a_delta_channel_needs(redis_url, runner, keep_last):
    reference = delta_graph(InMemorySaver(), 3)
    with DualStoreSaver.from_conn_string(redis_url, keep_last=keep_last) as saver:
        graph = delta_graph(saver, 3)
        for turn in range(8):
            result = await runner.invoke(graph, says(f"t{turn}"), thread())
            assert result == await runner.invoke(reference, says(f"t{turn}"), thread())
            assert (await runner.state(graph, thread())).values == result


async def test_a_pruned_thread_with_a_delta_channel_goes_on(saver, runner):
    graph, config = delta_graph(saver, 5), thread()
    for turn in range(4):
        await runner.invoke(graph, says(f"t{turn}"), config)
        before = (await runner.state(graph, config)).values
        saver.prune(["thread"], strategy="keep_latest")
        assert (await runner.state(graph, config)).values == before
    assert len(before["lines"]) == 8


async def test_a_copy_of_a_thread_with_a_delta_channel_goes_its_own_way(saver, runner):
    graph = delta_graph(saver)
    for turn in range(3):
        await runner.invoke(graph, says(f"t{turn}"), thread())
    saver.copy_thread("thread", "copy")
    source = await runner.history(graph, thread())
    copied = await runner.history(graph, thread("copy"))
    assert outline_history(copied) == outline_history(source)
    await runner.invoke(graph, says("only here"), thread("copy"))
    assert (await runner.state(graph, thread())).values == source[0].values
    saver.delete_thread("thread")
    lines = (await runner.state(graph, thread("copy"))).values["lines"]
    assert lines == [*source[0].values["lines"], "only here", "answer to only here"]

"""Graphs of every kind: none is archived as finished before it is, each is in the end.

A kind yields after each of its steps whether nothing is left to run then.
"""

import operator
from datetime import timedelta
from typing import Annotated, Any, TypedDict

import pytest
from graph_runner import thread
from graphs import chat_graph, says, tool_loop_graph
from interrupting_graphs import asks_in_parallel, asks_twice
from langgraph.channels import EphemeralValue, LastValue
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.pregel import NodeBuilder, Pregel
from langgraph.types import Command, Send, interrupt
from memory_archive import MemoryArchive
from raw_checkpoints import put

from langgraph_dualstore import DualStoreSaver


class FlushingSaver(DualStoreSaver):
    """Archives what is due after every checkpoint, so that nothing that is due is missed."""

    def put(self, *args: Any) -> Any:
        config = super().put(*args)
        assert self.flush()
        return config

    async def aput(self, *args: Any) -> Any:
        config = await super().aput(*args)
        assert await self.aflush()
        return config


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    calls: Annotated[int, operator.add]


def writes(line):
    return lambda state: {"log": [line]}


def in_sequence(saver, *nodes):
    builder = StateGraph(State)
    names = [f"node{n}" for n in range(len(nodes))]
    for name, node in zip(names, nodes, strict=True):
        builder.add_node(name, node)
    for left, right in zip([START, *names], names, strict=False):
        builder.add_edge(left, right)
    return builder.compile(checkpointer=saver)


async def chat(runner, saver):
    for text in "abc":
        await runner.invoke(chat_graph(saver), says(text), thread())
        yield True


async def tool_loop(runner, saver):
    for text in "ab":
        await runner.invoke(tool_loop_graph(saver), says(text), thread())
        yield True


async def subgraphs(runner, saver):
    grandchild = in_sequence(None, writes("x"), writes("y"))
    child = in_sequence(None, grandchild, writes("z"))
    for _ in range(2):
        await runner.invoke(in_sequence(saver, child, writes("after")), {"log": []}, thread())
        yield True


async def subgraph_with_its_own_memory(runner, saver):
    child = in_sequence(True, lambda state: {"calls": 1}, writes("child"))
    for _ in range(3):
        await runner.invoke(in_sequence(saver, writes("before"), child), {"log": []}, thread())
        yield True


async def subgraph_at_the_end_that_fails(runner, saver):
    attempts = iter([True, False])

    def fails_once(state):
        if next(attempts):
            raise RuntimeError("inside")
        return {"log": ["mended"]}

    child = in_sequence(None, writes("child"), fails_once)
    graph = in_sequence(saver, writes("before"), child)
    with pytest.raises(RuntimeError):
        await runner.invoke(graph, {"log": []}, thread())
    yield False
    await runner.invoke(graph, None, thread())
    yield True


async def subgraph_that_asks(runner, saver):
    child = in_sequence(True, writes("child"), lambda state: {"log": [interrupt("?")]})
    graph = in_sequence(saver, child)
    await runner.invoke(graph, {"log": []}, thread())
    yield False
    await runner.invoke(graph, Command(resume="yes"), thread())
    yield True


async def asking_twice(runner, saver):
    for given, finished in (({"lines": []}, False), ("Ann", False), (41, True)):
        step = Command(resume=given) if isinstance(given, str | int) else given
        await runner.invoke(asks_twice(saver), step, thread())
        yield finished


async def asking_in_parallel(runner, saver):
    graph = asks_in_parallel(saver)
    result = await runner.invoke(graph, {"lines": []}, thread())
    while waiting := result.get("__interrupt__"):
        yield False
        result = await runner.invoke(graph, Command(resume={waiting[0].id: "yes"}), thread())
    yield True


async def twenty_sends(runner, saver):
    def spread(state):
        return [Send("work", {"number": number}) for number in range(20)]

    builder = StateGraph(State)
    builder.add_node("work", lambda given: {"log": [str(given["number"])]})
    builder.add_conditional_edges(START, spread, ["work"])
    graph = builder.compile(checkpointer=saver)
    for _ in range(2):
        await runner.invoke(graph, {"log": []}, thread())
        yield True


async def sends_to_a_node_that_goes_on(runner, saver):
    builder = StateGraph(State)
    builder.add_node("plan", lambda state: Command(goto=[Send("work", n) for n in range(3)]))
    builder.add_node("work", lambda n: Command(goto="sum", update={"log": [str(n)]}))
    builder.add_node("sum", writes("sum"))
    builder.add_edge(START, "plan")
    graph = builder.compile(checkpointer=saver)
    for _ in range(2):
        await runner.invoke(graph, {"log": []}, thread())
        yield True


async def functional(runner, saver):
    @task
    def square(number):
        return number**2

    def sync(numbers, *, previous=None):
        return (previous or 0) + sum(square(number).result() for number in numbers)

    async def async_(numbers, *, previous=None):
        return (previous or 0) + sum([await square(number) for number in numbers])

    flow = entrypoint(checkpointer=saver)(async_ if runner.is_async else sync)
    for total in (14, 28):
        assert await runner.invoke(flow, [1, 2, 3], thread()) == total
        yield True


async def functional_that_saves_another_value(runner, saver):
    @entrypoint(checkpointer=saver)
    def flow(number, *, previous=None):
        return entrypoint.final(value=previous, save=number)

    for number in (3, 5):
        await runner.invoke(flow, number, thread())
        yield True


async def functional_that_asks(runner, saver):
    @entrypoint(checkpointer=saver)
    def flow(question):
        return interrupt(question)

    for _ in range(2):
        await runner.invoke(flow, "?", thread())
        yield False
        await runner.invoke(flow, Command(resume="yes"), thread())
        yield True


def plain_pregel(saver):
    one = NodeBuilder().subscribe_only("a").do(lambda text: text + text).write_to("b")
    two = NodeBuilder().subscribe_only("b").do(lambda text: text + "!").write_to("c")
    return Pregel(
        nodes={"one": one, "two": two},
        channels={"a": EphemeralValue(str), "b": LastValue(str), "c": LastValue(str)},
        input_channels=["a"],
        output_channels=["c"],
        checkpointer=saver,
    )


async def joins_and_defers(runner, saver):
    builder = StateGraph(State)
    for name in ("short", "long1", "long2", "join"):
        builder.add_node(name, writes(name))
    builder.add_node("deferred", writes("deferred"), defer=True)
    builder.add_edge(START, "short")
    builder.add_edge(START, "long1")
    builder.add_edge("long1", "long2")
    builder.add_edge(["short", "long2"], "join")
    builder.add_edge("short", "deferred")
    graph = builder.compile(checkpointer=saver)
    for _ in range(2):
        result = await runner.invoke(graph, {"log": []}, thread())
        assert result["log"][-1] == "deferred"
        yield True


async def join_that_is_never_complete(runner, saver):
    """One of the two nodes that the last one waits for is not run."""
    builder = StateGraph(State)
    for name in ("left", "right", "join"):
        builder.add_node(name, writes(name))
    builder.add_conditional_edges(START, lambda state: "left", ["left", "right"])
    builder.add_edge(["left", "right"], "join")
    graph = builder.compile(checkpointer=saver)
    result = await runner.invoke(graph, {"log": []}, thread())
    assert result["log"] == ["left"]
    assert not (await runner.state(graph, thread())).next
    yield True


async def updates_from_outside(runner, saver):
    graph = in_sequence(saver, writes("first"), writes("second"))
    await runner.update(graph, thread(), {"log": ["new"]}, as_node="node0")
    yield False
    await runner.invoke(graph, None, thread())
    yield True
    await runner.update(graph, thread(), {"log": ["at the end"]}, as_node="node1")
    yield True
    await runner.update(graph, thread(), {"log": ["begin again"]}, as_node=START)
    yield False
    await runner.update(graph, thread(), None, as_node=END)
    yield True
    await runner.update(graph, thread(), {"log": ["in between"]}, as_node="node0")
    yield False
    await runner.invoke(graph, None, thread())
    yield True


async def time_travel(runner, saver):
    graph = in_sequence(saver, writes("first"), writes("second"))
    await runner.invoke(graph, {"log": ["start"]}, thread(), durability="sync")
    yield True
    (halfway,) = [
        state.config for state in await runner.history(graph, thread()) if state.next == ("node1",)
    ]
    forked = await runner.update(graph, halfway, {"log": ["fork"]})
    yield False
    await runner.invoke(graph, None, forked)
    yield True
    await runner.invoke(graph, None, halfway)
    yield True


async def breakpoints(runner, saver):
    graph = in_sequence(saver, *map(writes, "abc"))
    for given, finished in (({"log": []}, False), (None, False), (None, True)):
        await runner.invoke(graph, given, thread(), interrupt_after=["node0", "node1"])
        yield finished


KINDS = [
    chat,
    tool_loop,
    subgraphs,
    subgraph_with_its_own_memory,
    subgraph_at_the_end_that_fails,
    subgraph_that_asks,
    asking_twice,
    asking_in_parallel,
    twenty_sends,
    sends_to_a_node_that_goes_on,
    functional,
    functional_that_saves_another_value,
    functional_that_asks,
    joins_and_defers,
    join_that_is_never_complete,
    updates_from_outside,
    time_travel,
    breakpoints,
]


@pytest.fixture
def archive():
    return MemoryArchive()


@pytest.fixture
def saver(redis_url, archive):
    with FlushingSaver.from_conn_string(
        redis_url, archive=archive, run_archiver=False, archive_delay=timedelta(0)
    ) as opened:
        yield opened


def assert_archived_as_finished(archive, saver, finished):
    """What was due, and so was archived, is the newest checkpoint or nothing."""
    newest = saver.get_tuple(thread()).checkpoint["id"]
    archived = {(item.session.status, item.checkpoint_id) for item in archive.archives}
    assert archived == ({("finished", newest)} if finished else set())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_a_thread_is_archived_as_finished_when_it_is(
    saver, archive, redis_client, runner, kind
):
    async for finished in kind(runner, saver):
        assert_archived_as_finished(archive, saver, finished)
        queued = saver.backlog().queued
        assert finished or queued == 1
        archive.archives.clear()
        assert saver.archive_thread("thread") == "archived"
        assert (archive.status("thread") == "finished") == finished
        assert queued >= len(archive.archives), "what is not archived is queued"
        if runner.durability == "exit" and kind is not time_travel:
            # Else a task's writes may be stored later than the checkpoint that follows them.
            assert queued == (0 if finished else 1)
        archive.archives.clear()
    if runner.is_async:
        await saver.aprune(["thread"], strategy="delete")
    else:
        saver.delete_thread("thread")
    assert redis_client.keys() == []


async def test_a_plain_pregel_is_known_by_its_first_run(saver, archive, runner):
    """Its nodes may be started by channels of any name."""
    for text in "xyz":
        archive.archives.clear()
        result = await runner.invoke(plain_pregel(saver), {"a": text}, thread())
        assert result == {"c": f"{text}{text}!"}
        if text != "x":
            assert_archived_as_finished(archive, saver, True)
        assert archive.status("thread") == "finished"


def test_a_plain_pregel_ends_as_finished_in_its_first_run_too(saver, archive, redis_client):
    """It may be archived a step early, since no checkpoint names nodes that have not run."""
    graph = plain_pregel(saver)
    graph.invoke({"a": "x"}, thread(), durability="sync")
    assert saver.flush()
    assert archive.status("thread") == "finished"
    state = graph.get_state(thread())
    redis_client.flushall()
    assert graph.get_state(thread()) == state


@pytest.mark.parametrize("removal", ["delete_thread", "prune"])
def test_nothing_is_left_of_an_unfinished_thread_that_is_deleted(
    redis_client, open_saver, archive, removal
):
    with open_saver(archive=archive, run_archiver=False) as saver:
        config = put(saver, 1, {"__start__": 1}, metadata={"source": "input"})
        saver.put_writes(config, [("done", 1)], "task")
        assert saver.backlog().queued == 1
        if removal == "prune":
            saver.prune(["thread"], strategy="delete")
        else:
            saver.delete_thread("thread")
        assert redis_client.keys() == []
        assert saver.backlog().queued == 0
        assert archive.threads["thread"].deleted

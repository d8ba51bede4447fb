"""When a thread is archived, and with which status: at once, or before its TTL is over."""

import asyncio
import time
from datetime import timedelta

import pytest
from eventually import aeventually, eventually
from graph_runner import Runner, thread
from graphs import chat_graph, says
from interrupting_graphs import Log, asks_twice
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from memory_archive import MemoryArchive
from raw_checkpoints import put

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.archive import ThreadArchive

TTL = 2.0
DEADLINE = 0.75 * TTL


class ClockedArchive(MemoryArchive):
    """Knows when each thread was archived first."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, float] = {}

    def archive(self, threads: list[ThreadArchive]) -> set[str]:
        for archived in threads:
            self.first.setdefault(archived.thread_id, time.monotonic())
        return super().archive(threads)


@pytest.fixture
def archive():
    return ClockedArchive()


@pytest.fixture
def saver(redis_url, archive):
    with DualStoreSaver.from_conn_string(
        redis_url, archive=archive, archive_delay=timedelta(milliseconds=20)
    ) as opened:
        yield opened


@pytest.fixture
def idle_saver(redis_url, archive):
    """Its threads soon expire."""
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, ttl=TTL) as opened:
        yield opened


def pipeline(saver, *nodes, **options):
    builder = StateGraph(Log)
    names = [f"node{n}" for n in range(len(nodes))]
    for name, node in zip(names, nodes, strict=True):
        builder.add_node(name, node)
    for left, right in zip([START, *names], names, strict=False):
        builder.add_edge(left, right)
    return builder.compile(checkpointer=saver, **options)


def quick(state):
    return {"lines": ["quick"]}


def fails(state):
    raise RuntimeError("this node always fails")


# --- finished ---


async def test_a_finished_run_is_archived_at_once_in_the_background(saver, archive, runner):
    graph = chat_graph(saver)
    for turn in (1, 2):
        await runner.invoke(graph, says(f"turn {turn}"), thread())
        await aeventually(
            lambda want=2 * turn: (
                "thread" in archive.threads and len(archive.contents("thread")) == want
            )
        )
        assert archive.contents("thread")[-2:] == [f"turn {turn}", f"{turn}: turn {turn}"]
    assert {item.session.status for item in archive.archives} == {"finished"}


async def test_a_flush_returns_when_what_has_finished_is_archived(redis_url, archive, runner):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as saver:
        await runner.invoke(chat_graph(saver), says("hello"), thread())
        assert not archive.threads
        assert await saver.aflush() if runner.is_async else saver.flush()
        assert archive.status("thread") == "finished"
        assert archive.contents("thread") == ["hello", "1: hello"]


def test_a_thread_without_messages_is_archived_too(saver, archive):
    pipeline(saver, quick).invoke({"lines": []}, thread())
    assert saver.flush()
    assert archive.status("thread") == "finished"
    assert archive.contents("thread") == []


def test_what_is_archived_is_queued_no_longer(saver, archive):
    put(saver, 1, {"done": 1})
    eventually(lambda: archive.threads)
    eventually(lambda: not saver.backlog().queued)
    put(saver, 2, {"__start__": 1}, metadata={"source": "input"})
    assert saver.backlog().queued == 1


def test_what_is_due_is_archived_by_close(redis_url, archive):
    with DualStoreSaver.from_conn_string(
        redis_url, archive=archive, archive_delay=timedelta(hours=1)
    ) as saver:
        chat_graph(saver).invoke(says("hello"), thread())
        assert not archive.threads
    assert archive.status("thread") == "finished"


# --- not finished ---


async def interrupted(runner, saver, config):
    await runner.invoke(asks_twice(saver), {"lines": []}, config)


async def interrupted_in_a_subgraph(runner, saver, config):
    child = pipeline(None, quick, lambda state: {"lines": [interrupt("inside?")]})
    grandparent = pipeline(saver, quick, pipeline(None, quick, child), quick)
    await runner.invoke(grandparent, {"lines": []}, config)


async def stopped_before_a_node(runner, saver, config):
    graph = pipeline(saver, quick, quick, interrupt_before=["node1"])
    await runner.invoke(graph, {"lines": []}, config)


async def failed(runner, saver, config):
    with pytest.raises(RuntimeError, match="always fails"):
        await runner.invoke(pipeline(saver, quick, fails), {"lines": []}, config)


async def failed_in_a_subgraph(runner, saver, config):
    child = pipeline(None, quick, fails)
    with pytest.raises(RuntimeError, match="always fails"):
        await runner.invoke(pipeline(saver, quick, child), {"lines": []}, config)


async def stream_closed(runner, saver, config):
    """Nobody reads on after the first of three nodes."""
    graph = pipeline(saver, quick, quick, quick)
    if runner.is_async:
        stream = graph.astream({"lines": []}, config, durability=runner.durability)
        await anext(stream)
        await stream.aclose()
    else:
        stream = graph.stream({"lines": []}, config, durability=runner.durability)
        next(stream)
        stream.close()


async def cancelled(runner, saver, config):
    """The task is cancelled while the second node runs."""
    running = asyncio.Event()

    async def hangs(state):
        running.set()
        await asyncio.Event().wait()

    graph = pipeline(saver, quick, hangs)
    task = asyncio.create_task(graph.ainvoke({"lines": []}, config, durability=runner.durability))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def abandoned(runner, saver, config):
    """The process died after the run's first checkpoint."""
    thread_id = config["configurable"]["thread_id"]
    put(saver, 1, {"__start__": {"lines": []}}, thread_id=thread_id, metadata={"source": "input"})


UNFINISHED = {
    interrupted: "interrupted",
    interrupted_in_a_subgraph: "interrupted",
    stopped_before_a_node: "idle",
    failed: "error",
    failed_in_a_subgraph: "error",
    stream_closed: "idle",
    cancelled: "idle",
    abandoned: "idle",
}


@pytest.mark.parametrize("methods", ["sync", "async"])
async def test_what_has_not_finished_is_archived_at_its_deadline(idle_saver, archive, methods):
    """An expired thread cannot be archived: that it is shows that it was in time."""
    expected, begun = {}, {}
    for end, status in UNFINISHED.items():
        if end is cancelled and methods == "sync":
            continue
        for durability in ("sync", "async", "exit"):
            thread_id = f"{end.__name__}, {durability}"
            expected[thread_id], begun[thread_id] = status, time.monotonic()
            await end(Runner(methods, durability), idle_saver, thread(thread_id))
    await aeventually(lambda: archive.threads.keys() >= expected.keys())
    assert {thread_id: archive.status(thread_id) for thread_id in expected} == expected
    for thread_id, at in archive.first.items():
        assert at - begun[thread_id] >= DEADLINE - 0.01, thread_id


async def test_an_answered_interrupt_is_finished_afterwards(saver, archive, runner):
    graph, statuses = asks_twice(saver), []
    for given in ({"lines": []}, Command(resume="Ann"), Command(resume=41)):
        await runner.invoke(graph, given, thread())
        saver.archive_thread("thread")
        statuses.append(archive.status("thread"))
    assert statuses == ["interrupted", "interrupted", "finished"]


async def test_a_run_that_failed_and_is_run_again_is_finished_afterwards(saver, archive, runner):
    attempts = iter([True, False])

    def fails_once(state):
        if next(attempts):
            raise RuntimeError("this node always fails")
        return {"lines": ["mended"]}

    graph = pipeline(saver, quick, fails_once)
    with pytest.raises(RuntimeError):
        await runner.invoke(graph, {"lines": []}, thread())
    saver.archive_thread("thread")
    assert archive.status("thread") == "error"
    await runner.invoke(graph, None, thread())
    await aeventually(lambda: archive.status("thread") == "finished")


def test_an_interrupted_thread_that_has_expired_goes_on_where_it_stopped(
    idle_saver, archive, redis_client
):
    graph = asks_twice(idle_saver)
    graph.invoke({"lines": []}, thread())
    eventually(lambda: "thread" in archive.threads)
    eventually(lambda: not idle_saver.ttl_of("thread"))
    assert graph.invoke(Command(resume="Ann"), thread())["__interrupt__"]
    assert graph.invoke(Command(resume=41), thread())["lines"] == ["begin", "Ann is 41", "end"]
    eventually(lambda: archive.status("thread") == "finished")

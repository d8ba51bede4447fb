"""A thread that is archived as it is may be removed from Redis, and no other."""

import contextlib
import threading

import pytest
from conversations import messages, talk
from copy_sources import delta_graph
from eventually import eventually
from graph_runner import outline_history, thread
from graphs import answer, chat_graph, says
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from memory_archive import MemoryArchive
from raw_checkpoints import config_of, found_at, put, values_at, writes_at

from langgraph_dualstore import ConfigurationError, DualStoreSaver


@pytest.fixture
def archive():
    return MemoryArchive()


@pytest.fixture
def saver(redis_url, archive):
    options = {"archive": archive, "run_archiver": False, "archive_history": "all"}
    with DualStoreSaver.from_conn_string(redis_url, **options) as saver:
        yield saver


def keys_of(client):
    return [key for key in client.keys("*") if b":queue:" not in key]


async def test_it_comes_back_when_it_is_asked_for(saver, redis_client):
    for evict in (saver.evict_thread, saver.aevict_thread):
        last = talk(saver, 3, thread_id="1")
        before = found_at(saver, config_of("1"))
        assert saver.archive_thread("1") == "archived"
        evicted = evict("1")
        assert evicted is True or await evicted is True
        assert keys_of(redis_client) == []
        assert found_at(saver, config_of("1")) == before
        assert values_at(saver, last)["messages"] == messages(3)
        saver.delete_thread("1")


def test_a_thread_that_is_not_archived_as_it_is_stays(saver, redis_client):
    last = talk(saver, 2, thread_id="1")
    assert not saver.evict_thread("1")
    saver.archive_thread("1")
    for change in (
        lambda: saver.put_writes(last, [("x", 1)], "task"),
        lambda: saver.log_turn("1", 1, {"a": 1}),
        lambda: talk(saver, 1, start=3, parent=last, said=messages(2), thread_id="1"),
    ):
        change()
        assert not saver.evict_thread("1")
        assert len(keys_of(redis_client)) >= 4
        saver.archive_thread("1")
    assert saver.evict_thread("1")
    assert not saver.evict_thread("1")
    assert not saver.evict_thread("another")


def test_a_pinned_thread_stays(saver, archive):
    talk(saver, 2, thread_id="1")
    saver.archive_thread("1")
    saver.pin("1")
    assert not saver.evict_thread("1")
    saver.unpin("1")
    archive.fault = lambda method: saver.pin("1") if method == "marks" else None
    assert not saver.evict_thread("1")
    assert saver.ttl_of("1") is None


def test_a_thread_that_the_archive_has_lost_stays(saver, archive):
    talk(saver, 2, thread_id="1")
    saver.archive_thread("1")
    archive.threads.clear()
    assert not saver.evict_thread("1")
    assert values_at(saver, config_of("1"))["messages"] == messages(2)


def test_a_thread_that_is_written_to_meanwhile_stays(redis_url, saver, archive):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as other:
        last = talk(saver, 2, thread_id="1")
        saver.archive_thread("1")

        def interfere(method):
            archive.fault = lambda _: None
            assert method == "marks"
            talk(other, 1, start=3, parent=last, said=messages(2), thread_id="1")

        archive.fault = interfere
        assert not saver.evict_thread("1")
        assert values_at(saver, config_of("1"))["messages"] == messages(3)


def test_without_an_archive_there_is_nothing_to_evict_to(redis_url):
    with (
        DualStoreSaver.from_conn_string(redis_url) as saver,
        pytest.raises(ConfigurationError, match="no archive"),
    ):
        saver.evict_thread("1")


# --- in the middle of a run ---


def gone(saver, name="thread"):
    """Archive a thread and remove it, as another process may at any time.

    It stays if the run is writing to it just then.
    """
    if not isinstance(saver, DualStoreSaver):
        return False
    return saver.archive_thread(name) == "archived" and saver.evict_thread(name)


def evicting_graph(on, evicted):
    """Two steps, each in the middle of which the thread goes away."""

    def step(state):
        evicted.append(gone(on))
        return answer(state)

    builder = StateGraph(chat_graph(on).builder.state_schema)
    for name in ("one", "two"):
        builder.add_node(name, step)
    builder.add_edge(START, "one")
    builder.add_edge("one", "two")
    builder.add_edge("two", END)
    return builder.compile(checkpointer=on)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_a_run_goes_on_over_an_eviction(saver, durability):
    evicted = []

    def run(on):
        graph = evicting_graph(on, evicted)
        for text in "ab":
            graph.invoke(says(text), thread(), durability=durability)
        evicted.append(gone(on))
        return outline_history(graph.get_state_history(thread()))

    assert run(saver) == run(InMemorySaver())
    assert any(evicted)


def test_a_delta_channel_goes_on_over_evictions(saver):
    evicted = []

    def run(on):
        graph = delta_graph(on, 3)
        for part in ({"lines": ["a"]}, Command(resume="1"), {"lines": ["b"]}, Command(resume="2")):
            for _ in graph.stream(part, thread(), durability="sync"):
                evicted.append(gone(on))
            evicted.append(gone(on))
        return outline_history(graph.get_state_history(thread()))

    assert run(saver) == run(InMemorySaver())
    assert any(evicted)


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("ns", ["", "child:1"])
def test_whatever_is_written_first_brings_the_thread_back(redis_url, saver, archive, ns, knows):
    last = talk(saver, 2, thread_id="1")
    with contextlib.ExitStack() as stack:
        other = saver
        if not knows:
            options = {"archive": archive, "run_archiver": False}
            other = stack.enter_context(DualStoreSaver.from_conn_string(redis_url, **options))
        for write in (
            lambda: other.put_writes(last, [("x", 1)], "task"),
            lambda: put(other, 9, {"x": 1}, thread_id="1", ns=ns, parent=None if ns else last),
        ):
            assert gone(saver, "1")
            assert saver.ttl_of("1").total_seconds() == 0
            write()
            assert values_at(saver, last)["messages"] == messages(2)
            saver.archive_thread("1")


@pytest.mark.parametrize("archive_history", ["newest", "all"])
def test_nothing_is_lost_to_whoever_evicts_all_the_time(redis_url, archive, archive_history):
    options = {"archive": archive, "run_archiver": False, "archive_history": archive_history}
    stop = threading.Event()
    with (
        DualStoreSaver.from_conn_string(redis_url, **options) as writer,
        DualStoreSaver.from_conn_string(redis_url, **options) as evictor,
    ):

        def evict():
            while not stop.is_set():
                gone(evictor, "1")

        def wait():
            eventually(lambda: not writer.ttl_of("1"))

        evicting = threading.Thread(target=evict)
        evicting.start()
        try:
            parent, said = None, []
            for n in range(1, 21):
                said = [*said, *messages(1)]
                values = {"messages": said, "count": n}
                parent = put(writer, n, values, parent=parent, thread_id="1")
                if n % 3 == 0:
                    wait()
                writer.put_writes(parent, [("count", n)], f"task-{n}")
                if n % 3 == 1:
                    wait()
                found = found_at(writer, config_of("1"))
                assert found.checkpoint["channel_values"] == values
                assert writes_at(writer, parent) == [(f"task-{n}", "count", n)]
        finally:
            stop.set()
            evicting.join()
        count = len(list(writer.list(config_of("1"))))
        assert count == 20 if archive_history == "all" else count >= 1

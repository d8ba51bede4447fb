"""With values bound to their threads everything works that works without."""

import pytest
from delta_chains import history_at, put_chain
from encryption import encrypting, key_of, record_in
from graph_runner import outline_history, outline_stored, thread
from graphs import chat_graph, says, tool_loop_graph
from interrupting_graphs import asks_twice
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from memory_archive import MemoryArchive
from raw_checkpoints import checkpoint_id, config_of, found_at, put

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.hot.messagelog import FRESH_BYTES

LONG = "long enough for the log " * FRESH_BYTES


@pytest.fixture
def saver(redis_url):
    with DualStoreSaver.from_conn_string(redis_url, serde=encrypting()) as opened:
        yield opened


@pytest.fixture
def another(redis_url):
    """Another process, which remembers nothing."""
    with DualStoreSaver.from_conn_string(redis_url, serde=encrypting()) as opened:
        yield opened


async def test_a_conversation_with_tools_and_time_travel_is_as_in_memory(saver, runner):
    async def run(on):
        graph, config = tool_loop_graph(on), thread()
        for text in ("one", LONG, "three"):
            await runner.invoke(graph, says(text), config)
        states = await runner.history(graph, config)
        await runner.invoke(graph, says("another way"), states[len(states) // 2].config)
        return outline_history(await runner.history(graph, config))

    assert await run(saver) == await run(InMemorySaver())


async def test_an_interrupted_thread_goes_on(saver, runner):
    async def run(on):
        graph, config = asks_twice(on), thread()
        await runner.invoke(graph, {}, config)
        for answer in ("first", "second"):
            await runner.invoke(graph, Command(resume=answer), config)
        return outline_history(await runner.history(graph, config))

    assert await run(saver) == await run(InMemorySaver())


def test_a_copy_is_read_to_the_last_when_its_source_is_gone(open_saver, redis_client, another):
    with open_saver(serde=encrypting()) as saver:
        config = None
        for n in range(1, 9):
            values = {"messages": [HumanMessage(LONG)], "few": n, "same": "x" * 200}
            new = ["messages", "few", "same"] if n in {1, 5} else ["few"]
            versions = {"messages": 5 if n > 4 else 1, "same": 5 if n > 4 else 1, "few": n}
            config = put(saver, n, values, parent=config, versions=versions, new=new)
            saver.put_writes(config, [("few", n), ("more", LONG)], f"task-{n}")
        saver.log_turn("thread", 1, {"said": "a"})
        saver.put_writes(config_of(id=checkpoint_id(99)), [("early", 1)], "task")
        before = outline_stored(saver.list(config_of("thread", None)))
        ours, log = record_in(redis_client, "thread"), redis_client.get(key_of("thread", "log"))
        saver.copy_thread("thread", "copy")
        saver.delete_thread("thread")
        assert outline_stored(another.list(config_of("copy", None))) == before
        assert another.turn_logs("copy") == {1: {"said": "a"}}
        # What checkpoints share they share in the copy, and each value is encrypted anew.
        theirs, copied = record_in(redis_client, "copy"), redis_client.get(key_of("copy", "log"))
        assert len(copied) == len(log)
        assert copied[:64] != log[:64]
        assert encrypted_in(theirs).isdisjoint(encrypted_in(ours))


def encrypted_in(record):
    """What the record itself holds of its checkpoint."""
    inline = (stored.inline for stored in record.channels.values())
    return {record.checkpoint[1], record.metadata[1], *filter(None, inline)}


def test_a_copy_goes_on_and_comes_back(open_saver, another):
    with open_saver(serde=encrypting()) as saver:
        graph = chat_graph(getattr(saver, "saver", saver))
        for text in ("one", "two"):
            graph.invoke(says(text), thread("thread"))
        saver.copy_thread("thread", "copy")
        graph.invoke(says("three"), thread("copy"))
        graph.invoke(says("four"), thread("thread"))
        saver.copy_thread("copy", "thread")
        saver.copy_thread("thread", "thread")
        there = chat_graph(another)
        ways = list(there.get_state_history(thread("thread")))
        said = {tuple(m.text for m in state.values.get("messages", ())) for state in ways}
        assert ("one", "1: one", "two", "2: two", "three", "3: three") in said
        assert ("one", "1: one", "two", "2: two", "four", "3: four") in said


@pytest.mark.parametrize("history", ["newest", "all"])
@pytest.mark.parametrize("transcript", [None, True])
def test_what_was_archived_is_restored_and_copied(
    open_saver, either_archive, redis_client, history, transcript
):
    options = {"archive_history": history, "archive_on": "manual", "transcript": transcript}
    with open_saver(serde=encrypting(), archive=either_archive, **options) as saver:
        graph = chat_graph(getattr(saver, "saver", saver))
        for text in ("one", LONG):
            graph.invoke(says(text), thread("thread"))
        saver.archive_thread("thread")
        values = graph.get_state(thread("thread")).values
        redis_client.flushdb()
        saver.copy_thread("thread", "copy")
        saver.delete_thread("thread")
        saver.archive_thread("copy")
        redis_client.flushdb()
        assert graph.get_state(thread("copy")).values == values
        graph.invoke(says("three"), thread("copy"))
        assert saver.archive_thread("copy") == "archived"
        redis_client.flushdb()
        assert len(graph.get_state(thread("copy")).values["messages"]) == 6
        assert not graph.get_state(thread("thread")).values


@pytest.mark.parametrize("seeds", [{}, {3: ["plain"]}, {2: LONG}], ids=["none", "plain", "long"])
def test_delta_channels_survive_pruning_and_copying(open_saver, another, seeds):
    with open_saver(serde=encrypting()) as saver:
        latest = put_chain(saver, seeds)
        before, history = found_at(saver, latest), history_at(saver, latest)
        for _ in range(2):
            saver.prune(["thread"], strategy="keep_latest")
            assert history_at(another, latest) == history
            assert found_at(another, config_of()).checkpoint == before.checkpoint
        saver.copy_thread("thread", "copy")
        saver.delete_thread("thread")
        copied = config_of("copy", id=checkpoint_id(6))
        assert history_at(another, copied) == history
        saver.prune(["copy"], strategy="keep_latest")
        assert history_at(saver, copied) == history
        assert found_at(another, copied).checkpoint == before.checkpoint


def test_delta_channels_survive_an_archive(open_saver, redis_client):
    archive = MemoryArchive()
    options = {"archive_on": "manual", "transcript": True}
    with open_saver(serde=encrypting(), archive=archive, **options) as saver:
        latest = put_chain(saver, {})
        history = history_at(saver, latest)
        for _ in range(2):
            saver.prune(["thread"], strategy="keep_latest")
            assert saver.archive_thread("thread") == "archived"
            redis_client.flushdb()
            assert history_at(saver, latest) == history


def test_a_history_that_is_bounded_is_tidied(open_saver, another):
    with open_saver(serde=encrypting(), keep_last=2) as saver:
        config = None
        for n in range(1, 60):
            config = put(saver, n, {"long": f"{n}" * FRESH_BYTES}, parent=config)
        found = [item.checkpoint["channel_values"] for item in another.list(config_of())]
        assert found == [{"long": f"{n}" * FRESH_BYTES} for n in (59, 58)]

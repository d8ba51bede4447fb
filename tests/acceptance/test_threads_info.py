"""`thread()`: where a thread is, how it stands, and how far it is archived."""

import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from cold_archives import opened as opened_archive
from graph_runner import thread
from graphs import chat_graph, says
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from memory_archive import MemoryArchive
from raw_checkpoints import put

from langgraph_dualstore.errors import ColdStoreUnavailable, ConfigurationError


@pytest.fixture
def archive(postgres_dsn):
    with opened_archive(postgres_dsn) as archive:
        yield archive


def talk(saver, *texts, thread_id="t", **configurable):
    """Turns of a chat, by the sync methods, whichever twins are tested."""
    graph = chat_graph(getattr(saver, "saver", saver))
    for text in texts:
        graph.invoke(says(text), thread(thread_id, **configurable))
    return graph


def test_a_thread_that_only_redis_has(open_saver):
    with open_saver() as saver:
        began = datetime.now(UTC)
        talk(saver, "one", "two", user_id="ann")
        found = saver.thread("t")
        assert (found.thread_id, found.user_id, found.status) == ("t", "ann", "finished")
        assert (found.where, found.turn_count, found.message_count) == ("hot", 2, 4)
        assert began <= found.started_at < found.last_activity_at <= datetime.now(UTC)
        assert timedelta(hours=23) < found.ttl <= timedelta(hours=24)
        assert (found.pinned, found.checkpoints, found.set_aside) == (False, 6, None)
        assert (found.archived_at, found.up_to_date) == (None, False)


def test_a_thread_that_is_nowhere(open_saver, archive):
    with open_saver() as saver:
        assert saver.thread("t") is None
    with open_saver(archive=archive) as saver:
        assert saver.thread("t") is None
        assert saver.thread("") is None


def test_a_thread_in_both_tiers_and_one_that_has_left_redis(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        graph = talk(saver, "one", user_id="ann")
        hot = saver.thread("t")
        assert (hot.where, hot.up_to_date) == ("hot", False)
        assert saver.archive_thread("t") == "archived"
        both = saver.thread("t")
        assert (both.where, both.up_to_date, both.turn_count, both.message_count) == (
            *("both", True),
            *(1, 2),
        )
        assert both.archived_at is not None
        graph.invoke(says("two"), thread("t", user_id="ann"))
        lagging = saver.thread("t")
        assert (lagging.where, lagging.up_to_date, lagging.turn_count) == ("both", False, 2)
        assert lagging.message_count == 4
        assert lagging.archived_at == both.archived_at
        saver.archive_thread("t")
        redis_client.flushdb()
        cold = saver.thread("t")
        assert (cold.where, cold.status, cold.user_id) == ("cold", "finished", "ann")
        assert (cold.turn_count, cold.message_count, cold.ttl) == (2, 4, None)
        assert (cold.pinned, cold.checkpoints, cold.up_to_date) == (False, 0, True)
        assert abs(cold.started_at - hot.started_at) < timedelta(seconds=1)
        assert cold.last_activity_at == lagging.last_activity_at
        assert saver.ttl_of("t") == timedelta(0), "looking at a thread brings it back"


def test_what_an_archive_that_cannot_be_searched_tells(open_saver, redis_client):
    with open_saver(archive=MemoryArchive(), run_archiver=False) as saver:
        talk(saver, "one")
        saver.archive_thread("t")
        found = saver.thread("t")
        assert (found.where, found.up_to_date, found.message_count) == ("both", True, 2)
        redis_client.flushdb()
        found = saver.thread("t")
        assert (found.where, found.status, found.message_count) == ("cold", None, None)
        saver.delete_thread("t")
        assert saver.thread("t") is None


def test_removed_messages_count_once_they_are_archived(open_saver, archive):
    with open_saver(archive=archive, run_archiver=False, keep_last=1) as saver:
        plain = getattr(saver, "saver", saver)
        config = put(plain, 1, {"messages": [{"role": "user", "content": "one"}]})
        saver.archive_thread("thread")
        put(plain, 2, {"messages": [{"role": "user", "content": "two"}]}, parent=config)
        assert saver.thread("thread").message_count == 1
        saver.archive_thread("thread")
        found = saver.thread("thread")
        assert (found.message_count, found.turn_count, found.checkpoints) == (2, 2, 1)


def test_how_a_thread_stands(open_saver):
    def ask(state):
        return {"messages": [("ai", interrupt("what?"))]}

    def fail(state):
        raise ZeroDivisionError

    with open_saver() as saver:
        for name, node in (("interrupted", ask), ("error", fail)):
            builder = StateGraph(MessagesState)
            builder.add_node("node", node)
            builder.add_edge(START, "node")
            graph = builder.compile(checkpointer=getattr(saver, "saver", saver))
            with contextlib.suppress(ZeroDivisionError):
                graph.invoke(says("hi"), thread(name))
            assert saver.thread(name).status == name
        assert {info.thread_id: info.status for info in saver.list_threads().threads} == {
            "interrupted": "interrupted",
            "error": "error",
        }
        assert [info.thread_id for info in saver.list_threads(status="error").threads] == ["error"]


def test_a_rule_of_ones_own_says_whether_a_thread_has_finished(open_saver):
    def done(found):
        return found.checkpoint["channel_values"].get("turns") == 2

    with open_saver(is_finished=done) as saver:
        talk(saver, "one", thread_id="a")
        talk(saver, "one", "two", thread_id="b")
        assert saver.thread("a").status == "idle"
        assert saver.thread("b").status == "finished"
        finished = saver.list_threads(status="finished").threads
        assert [info.thread_id for info in finished] == ["b"]


def test_pins_and_threads_without_an_expiry(open_saver):
    with open_saver() as saver:
        talk(saver, "one")
        saver.pin("t")
        found = saver.thread("t")
        assert (found.pinned, found.ttl) == (True, None)


def test_a_thread_that_was_set_aside_says_why(open_saver, redis_client):
    def refuse(method):
        if method == "archive":
            raise ValueError("no such thing")

    archive = MemoryArchive(refuse)
    with open_saver(archive=archive, run_archiver=False, archive_attempts=1) as saver:
        talk(saver, "one")
        assert saver.thread("t").set_aside is None
        saver.flush()
        found = saver.thread("t")
        assert (found.set_aside, found.pinned) == ("ValueError: no such thing", True)


def test_writes_to_a_checkpoint_that_never_came(open_saver):
    with open_saver() as saver:
        config = {"configurable": {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "1"}}
        saver.put_writes(config, [("a", 1)], "task")
        found = saver.thread("t")
        assert (found.status, found.last_activity_at, found.message_count) == ("idle", None, 0)
        assert [info.thread_id for info in saver.list_threads().threads] == ["t"]


def test_an_archive_that_is_away_is_an_error(open_saver):
    def away(method):
        if method != "close":
            raise ColdStoreUnavailable("away")

    with open_saver(archive=MemoryArchive(away), run_archiver=False) as saver:
        with pytest.raises(ColdStoreUnavailable):
            saver.thread("t")
        with pytest.raises(ColdStoreUnavailable):
            saver.state_document("t")


@pytest.mark.parametrize("method", ["thread", "state_document", "turn_ranges", "erase_thread"])
@pytest.mark.parametrize("thread_id", [None, True, b"t", ["t"]])
def test_what_is_no_thread_id_is_refused(open_saver, method, thread_id):
    with open_saver() as saver, pytest.raises(ConfigurationError, match="thread_id"):
        getattr(saver, method)(thread_id)


def test_numbers_and_hostile_names_are_thread_ids(open_saver):
    with open_saver() as saver:
        for name in (5, "a:b", "{a}", "*", "a\nb", "🎉", "x" * 1000, "%"):
            talk(saver, "one", thread_id=name)
            assert saver.thread(name).thread_id == str(name)
            assert json.dumps(saver.state_document(name))

"""Copied threads are archived at once, and need not stay in Redis."""

import pytest
from cold_archives import query
from graph_runner import thread
from graphs import chat_graph, says
from interrupting_graphs import asks_twice
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from raw_checkpoints import config_of
from tuple_comparison import assert_same, in_order

from langgraph_dualstore import ConfigurationError, DualStoreSaver
from langgraph_dualstore.copying import copy_threads
from langgraph_dualstore.hot.keys import thread_keys

SESSIONS = "SELECT thread_id, status, message_count FROM prompt_sessions ORDER BY thread_id"


@pytest.fixture
def source():
    """Two threads that have finished, and one that waits for an answer."""
    source = InMemorySaver()
    for name in ("a", "b"):
        for text in ("one", "two"):
            chat_graph(source).invoke(says(text), thread(name))
    asks_twice(source).invoke({"lines": ["start"]}, thread("waits"))
    return source


@pytest.fixture
def open_target(redis_url, postgres_dsn):
    def open_target(**options):
        options = {"run_archiver": False, **options}
        target = DualStoreSaver.from_conn_string(redis_url, postgres_dsn, **options)
        target.setup()
        return target

    return open_target


@pytest.fixture
def target(open_target):
    with open_target() as target:
        yield target


def copies(source, target, *args, **options):
    return {
        copy.thread_id: (copy.outcome, copy.archived, copy.evicted)
        for copy in copy_threads(source, target, *args, **options)
    }


def threads_in(client):
    return {key for key in client.keys("*") if b":queue:" not in key}


def test_all_threads_are_archived_as_they_are_copied(source, target, postgres_dsn, redis_client):
    assert set(copies(source, target).values()) == {("copied", True, False)}
    found = [("a", "finished", 4), ("b", "finished", 4), ("waits", "interrupted", 0)]
    assert query(postgres_dsn, SESSIONS) == found
    assert target.ttl_of("a")
    assert target.flush()


@pytest.mark.parametrize("options", [{"archive_on": "manual"}, {}])
def test_they_are_not_if_that_is_not_wanted(source, open_target, postgres_dsn, options):
    with open_target(**options) as target:
        wanted = {} if options else {"archive": False}
        assert set(copies(source, target, **wanted).values()) == {("copied", False, False)}
        assert query(postgres_dsn, SESSIONS) == []
        assert target.backlog().queued == (0 if options else 3)


def test_threads_may_be_in_the_archive_only(source, target, redis_client):
    assert set(copies(source, target, archived_only=True).values()) == {("copied", True, True)}
    assert threads_in(redis_client) == set()
    # Whoever comes back goes on.
    result = chat_graph(target).invoke(says("three"), thread("a"))
    assert [m.text for m in result["messages"][::2]] == ["one", "two", "three"]
    asks_twice(target).invoke(Command(resume="Ann"), thread("waits"))
    result = asks_twice(target).invoke(Command(resume=41), thread("waits"))
    assert result["lines"] == ["start", "begin", "Ann is 41", "end"]


def test_what_is_archived_only_is_not_brought_back_to_be_looked_at(source, target, redis_client):
    copies(source, target, archived_only=True)
    for options in ({"archived_only": True}, {}, {"dry_run": True}):
        assert set(copies(source, target, **options).values()) == {("unchanged", True, True)}
        assert threads_in(redis_client) == set()


def test_an_archive_of_all_checkpoints_has_them_all(source, open_target):
    with open_target(archive_history="all") as target:
        copies(source, target, archived_only=True)
        for name in ("a", "b", "waits"):
            found = in_order(target.list(config_of(name, None)))
            assert_same(found, in_order(source.list(config_of(name, None))))


def test_what_the_source_has_gained_is_added_to_what_is_archived_only(source, target, redis_client):
    copies(source, target, archived_only=True)
    chat_graph(source).invoke(says("three"), thread("a"))
    again = copies(source, target, archived_only=True)
    assert again == {
        "a": ("copied", True, True),
        "b": ("unchanged", True, True),
        "waits": ("unchanged", True, True),
    }
    assert threads_in(redis_client) == set()
    values = chat_graph(target).get_state(thread("a")).values
    assert [m.text for m in values["messages"][::2]] == ["one", "two", "three"]


def test_what_the_target_has_gained_stays_in_either_tier(source, target, redis_client):
    copies(source, target, archived_only=True)
    chat_graph(target).invoke(says("mine"), thread("a"))
    for _ in range(2):
        again = copies(source, target, archived_only=True)
        assert again["a"] == ("ahead", False, False)
        assert target.archive_thread("a") in {"archived", "absent"}
        target.evict_thread("a")
    values = chat_graph(target).get_state(thread("a")).values
    assert [m.text for m in values["messages"][::2]] == ["one", "two", "mine"]


@pytest.mark.parametrize("erase", ["delete_thread", "erase_thread"])
def test_what_the_target_has_deleted_is_not_brought_back(source, target, redis_client, erase):
    copies(source, target)
    getattr(target, erase)("a")
    found = {copy.thread_id: copy for copy in copy_threads(source, target)}
    assert found["a"].outcome == "deleted"
    assert found["a"].problem == "it was deleted in the target, and is not brought back"
    assert target.get_tuple(config_of("a")) is None


def test_a_thread_that_cannot_be_archived_holds_up_no_other(source, target, redis_client):
    for _ in copy_threads(source, target, ["a"], archive=False):
        pass
    redis_client.append(thread_keys(target.settings.prefix, "a").journal, b"no journal")
    found = {copy.thread_id: copy for copy in copy_threads(source, target, archived_only=True)}
    assert found["a"].outcome == "failed"
    assert "it was copied, but cannot be archived: CorruptRecord" in found["a"].problem
    assert {(found[name].archived, found[name].evicted) for name in ("b", "waits")} == {
        (True, True)
    }


def test_without_an_archive_there_is_no_archiving(source, saver):
    for options in ({"archived_only": True}, {"archive": True}):
        with pytest.raises(ConfigurationError, match="has no archive"):
            list(copy_threads(source, saver, **options))
    with pytest.raises(ConfigurationError, match="archived_only needs archive"):
        list(copy_threads(source, saver, archived_only=True, archive=False))

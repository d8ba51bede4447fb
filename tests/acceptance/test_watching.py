"""What a saver tells of its work and of its servers: `check`, `stats`, `health`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from async_twins import opened
from cold_archives import opened as opened_archive
from eventually import eventually
from graph_runner import thread
from graphs import chat_graph, says
from memory_archive import MemoryArchive
from raw_checkpoints import config_of, put
from servers.process import free_port

from langgraph_dualstore import connections as hot_connections
from langgraph_dualstore.cold import connections as cold_connections
from langgraph_dualstore.errors import (
    ColdStoreUnavailable,
    DualStoreError,
    HotStoreUnavailable,
    SchemaMismatch,
)


@pytest.fixture
def archive(postgres_dsn):
    with opened_archive(postgres_dsn) as archive:
        yield archive


def made(saver):
    """The saver itself, whichever twins are tested."""
    return getattr(saver, "saver", saver)


def keys_of(client, thread_id):
    return client.keys(f"langgraph:state:{{{thread_id}}}:*")


def talk(saver, *texts, thread_id="t"):
    graph = chat_graph(made(saver))
    for text in texts:
        graph.invoke(says(text), thread(thread_id))


@pytest.fixture
def impatient(monkeypatch):
    """A server that is away is soon given up."""
    monkeypatch.setattr(hot_connections, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(cold_connections, "_PATIENCE", 0.1)


# --- check ---


def test_servers_that_answer_are_fine(open_saver, archive):
    with open_saver(archive=archive) as saver:
        assert saver.check() is None
    with open_saver() as saver:
        assert saver.check() is None


@pytest.mark.usefixtures("impatient")
def test_a_server_that_does_not_answer_is_an_error(postgres_dsn, redis_url, archive):
    for methods in ("sync", "async"):
        with (
            opened(f"redis://127.0.0.1:{free_port()}", methods, archive=archive) as saver,
            pytest.raises(HotStoreUnavailable),
        ):
            saver.check()
        with (
            opened(
                redis_url, methods, postgres_dsn=f"postgresql://127.0.0.1:{free_port()}/x"
            ) as saver,
            pytest.raises(ColdStoreUnavailable),
        ):
            saver.check()
        with (
            opened(redis_url, methods, postgres_dsn=postgres_dsn, schema="none") as saver,
            pytest.raises(SchemaMismatch),
        ):
            saver.check()


def test_where_the_servers_are_is_told_without_a_password(open_saver, redis_url):
    with open_saver(postgres_dsn="postgresql://me:s3cret@host/chats", schema="mine") as saver:
        hot, cold = made(saver).servers
        assert hot == redis_url.removesuffix("/") or hot == f"{redis_url}/0"
        assert cold == "postgresql://host/chats, schema mine"
        assert "s3cret" not in repr(made(saver).servers)
    with open_saver(archive=MemoryArchive()) as saver:
        assert made(saver).servers.cold == "MemoryArchive"
    with open_saver() as saver:
        assert made(saver).servers.cold is None


# --- stats ---


def test_puts_and_what_they_send_are_counted(open_saver):
    with open_saver() as saver:
        long = "a long answer " * 500
        talk(saver, long)
        first = saver.stats()
        assert first.puts == 3
        assert len(long) < first.bytes_sent < 15 * len(long)
        talk(saver, "and")
        second = saver.stats()
        assert second.puts == 6
        assert 6 <= second.round_trips - first.round_trips <= 7
        assert second.bytes_sent - first.bytes_sent < len(long), "an old message was sent again"
        assert second.bytes_saved - first.bytes_saved > 2 * len(long)
        assert second.repeated_puts == 0
        assert (second.queued, second.dead_letters, second.lag) == (0, 0, timedelta(0))


def test_a_put_that_had_to_be_repeated_is_counted(open_saver, redis_client):
    with open_saver() as saver:
        parent = put(saver, 1, {"messages": says("one")["messages"]})
        redis_client.flushdb()
        put(saver, 2, {"messages": says("one")["messages"]}, parent=parent)
        stats = saver.stats()
        assert (stats.puts, stats.repeated_puts) == (2, 1)


def test_what_is_archived_and_restored_is_counted(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        talk(saver, "one", "two")
        talk(saver, "other", thread_id="other")
        waiting = saver.stats()
        assert (waiting.queued, waiting.archived_threads) == (2, 0)
        assert saver.flush()
        stats = saver.stats()
        assert (stats.archived_threads, stats.archived_messages) == (2, 6)
        assert (stats.queued, stats.due, stats.leased) == (0, 0, 0)
        talk(saver, "three")
        assert saver.flush()
        assert saver.stats().archived_messages == 8, "what is archived was archived again"
        redis_client.flushdb()
        assert saver.get_tuple(config_of("t")) is not None
        assert saver.stats().restores == 1


def test_archiving_that_was_put_off_is_counted(open_saver):
    class Away(MemoryArchive):
        def archive(self, threads):
            raise ColdStoreUnavailable("away")

    with open_saver(archive=Away(), run_archiver=False) as saver:
        talk(saver, "one")
        with pytest.raises(ColdStoreUnavailable):
            saver.flush()
        stats = saver.stats()
        assert (stats.archive_retries, stats.archived_threads, stats.queued) == (1, 0, 1)


def test_how_late_archiving_is(open_saver, archive):
    options = {"archive": archive, "run_archiver": False, "archive_delay": timedelta(0)}
    with open_saver(**options) as saver:
        talk(saver, "one")
        first = saver.stats()
        assert (first.queued, first.due) == (1, 1)
        eventually(lambda: saver.stats().lag > max(first.lag, timedelta(0)))
        assert saver.backlog().first == "t"


# --- health ---


def test_when_all_is_well(open_saver, archive):
    with open_saver(archive=archive, run_archiver=False) as saver:
        for name in range(12):
            talk(saver, "one", thread_id=str(name))
        saver.pin("3")
        saver.archive_thread("4")
        health = saver.health()
        assert health.problems == ()
        assert health.servers == made(saver).servers
        hot = health.hot
        assert (hot.threads, hot.complete, hot.pinned, hot.unarchived) == (12, True, 1, 11)
        assert hot.server.startswith(("Redis ", "Valkey "))
        assert hot.memory > 100_000
        assert (hot.policy, hot.memory_limit, hot.evicted) == ("noeviction", 0, 0)
        assert timedelta(hours=23) < hot.shortest <= timedelta(hours=24)
        assert health.backlog.queued == 12, "a worker has still to find that one is archived"
        assert (health.cold.sessions, health.cold.messages) == (1, 2)
        assert health.cold.server.startswith("PostgreSQL ")
        assert health.cold.schema_version >= 3
        assert health.cold.size > 100_000


def test_without_an_archive_nothing_is_to_be_archived(open_saver):
    with open_saver() as saver:
        talk(saver, "one")
        health = saver.health()
        assert (health.problems, health.cold) == ((), None)
        assert (health.hot.threads, health.hot.unarchived, health.hot.shortest) == (1, 0, None)


def test_an_archive_that_does_not_tell_is_asked_whether_it_answers(open_saver):
    class Away(MemoryArchive):
        def marks(self, thread_ids):
            raise ColdStoreUnavailable("it is away")

    with open_saver(archive=MemoryArchive()) as saver:
        assert (saver.health().problems, saver.health().cold) == ((), None)
    with open_saver(archive=Away()) as saver:
        assert saver.health().problems == ("it is away",)


@pytest.mark.parametrize("key", range(3))
def test_a_key_that_would_not_expire_with_its_thread_is_found(open_saver, redis_client, key):
    with open_saver() as saver:
        for name in "abc":
            talk(saver, "one", thread_id=name)
        chosen = sorted(keys_of(redis_client, "b"))[key]
        redis_client.persist(chosen)
        assert saver.health().hot.uneven == ("b",)
        redis_client.expire(chosen, 100)
        health = saver.health()
        assert health.hot.uneven == ("b",)
        assert health.problems == ("keys that would not expire together: those of 'b'",)


def test_a_pinned_thread_does_not_expire_and_neither_does_any_without_a_ttl(
    open_saver, redis_client
):
    with open_saver(ttl=None) as saver:
        talk(saver, "one")
        assert saver.health().hot.uneven == ()
    with open_saver() as saver:
        talk(saver, "one", thread_id="pinned")
        saver.pin("pinned")
        assert saver.health().hot.uneven == ("t",), "which has no deadline though there is a TTL"
        redis_client.expire(min(keys_of(redis_client, "pinned")), 100)
        assert set(saver.health().hot.uneven) == {"t", "pinned"}


def test_a_thread_that_was_set_aside_is_named_with_the_reason(open_saver):
    class Picky(MemoryArchive):
        def archive(self, threads):
            raise ValueError("it is too odd")

    with open_saver(archive=Picky(), run_archiver=False, archive_attempts=1) as saver:
        for name in range(7):
            talk(saver, "one", thread_id=f"odd {name}")
        saver.flush()
        problems = saver.health().problems
        assert len(problems) == 6
        assert all("was set aside: ValueError: it is too odd" in text for text in problems[:5])
        assert problems[5] == "2 more were set aside"


def test_archiving_that_nobody_does_is_noticed(open_saver, archive):
    with open_saver(
        archive=archive,
        run_archiver=False,
        archive_delay=timedelta(milliseconds=1),
        archive_lease=timedelta(seconds=1),
    ) as saver:
        talk(saver, "one")
        assert saver.health().problems == ()
        eventually(lambda: saver.health().problems)
        (problem,) = saver.health().problems
        assert "1 due" in problem
        assert "does an archiver run" in problem


def test_a_memory_that_is_nearly_full_or_may_be_emptied(redis_client, open_saver):
    try:
        used = redis_client.info("memory")["used_memory"]
        redis_client.config_set("maxmemory", used + 1_000_000)
        redis_client.config_set("maxmemory-policy", "allkeys-lru")
        with open_saver() as saver:
            told = " / ".join(saver.health().problems)
        assert "(allkeys-lru): set maxmemory-policy noeviction" in told
        redis_client.config_set("maxmemory-policy", "noeviction")
        redis_client.config_set("maxmemory", int(used * 1.05))
        with open_saver() as saver:
            (told,) = saver.health().problems
        assert "% full" in told
    finally:
        redis_client.config_set("maxmemory", 0)
        redis_client.config_set("maxmemory-policy", "noeviction")


def test_threads_are_looked_at_for_so_long(open_saver):
    with open_saver() as saver:
        for name in range(1100):
            put(saver, 1, {"n": name}, thread_id=str(name))
        assert (saver.health().hot.threads, saver.health().hot.complete) == (1100, True)
        hot = saver.health(seconds=0).hot
        assert 0 < hot.threads < 1100
        assert not hot.complete


@pytest.mark.usefixtures("impatient")
def test_servers_that_are_away_are_problems_not_errors(archive, redis_url):
    nowhere = f"127.0.0.1:{free_port()}"
    for methods in ("sync", "async"):
        with opened(f"redis://{nowhere}", methods, archive=archive) as saver:
            health = saver.health()
            assert (health.hot, health.backlog) == (None, None)
            assert health.cold is not None
            (problem,) = health.problems
            assert "Redis cannot be asked" in problem
        with opened(redis_url, methods, postgres_dsn=f"postgresql://{nowhere}/x") as saver:
            health = saver.health()
            assert health.hot is not None
            assert health.cold is None
            (problem,) = health.problems
            assert "PostgreSQL cannot be asked" in problem


def test_a_user_who_may_not_ask_for_it_is_told_the_rest(acl_server):
    with opened(acl_server.url, "sync") as saver:
        talk(saver, "one")
        health = saver.health()
        assert health.problems == ()
        assert (health.hot.server, health.hot.memory, health.hot.threads) == ("", 0, 1)


def test_the_estimate_of_many_rows_is_taken(archive, postgres_dsn, redis_url):
    with opened(redis_url, "sync", archive=archive, run_archiver=False) as saver:
        talk(saver, "one")
        saver.flush()
        with archive._connections._pool().connection() as connection:
            connection.execute(
                "UPDATE pg_class SET reltuples = 2e5 WHERE relname = 'prompt_messages'"
            )
        assert (archive.report().sessions, archive.report().messages) == (1, 200_000)


def test_every_error_of_a_server_is_one_line(redis_url, postgres_dsn):
    with opened(redis_url, "sync", postgres_dsn=postgres_dsn, schema="none") as saver:
        (problem,) = saver.health().problems
        assert "\n" not in problem
        with pytest.raises(DualStoreError):
            saver.check()

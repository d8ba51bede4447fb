"""`erase_thread` and `erase_user`: nothing is left in either tier, and the receipt says so."""

import threading

import pytest
from cold_archives import TABLES, query
from cold_archives import opened as opened_archive
from graph_runner import thread
from graphs import chat_graph, says
from memory_archive import MemoryArchive
from raw_checkpoints import put

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.errors import ColdStoreUnavailable, ConfigurationError
from langgraph_dualstore.infos import Receipt

SECRET = "a secret {word}"


@pytest.fixture
def archive(postgres_dsn):
    with opened_archive(postgres_dsn) as archive:
        yield archive


def talk(saver, thread_id=SECRET, text=f"my {SECRET} text", **configurable):
    graph = chat_graph(getattr(saver, "saver", saver))
    graph.invoke(says(text), thread(thread_id, **configurable))


def left_in_redis(client):
    return {key: client.dump(key) for key in client.scan_iter() if b"swept" not in key}


def told_in_postgres(dsn):
    """All that the tables hold, as one text."""
    return str([query(dsn, f"SELECT t::text FROM {table} AS t") for table in TABLES])


def counts(dsn):
    return [query(dsn, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]


def test_nothing_is_left_of_a_thread(open_saver, archive, postgres_dsn, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        talk(saver, user_id=f"user {SECRET}")
        saver.archive_thread(SECRET)
        talk(saver, text="more", user_id=f"user {SECRET}")
        assert "secret" in told_in_postgres(postgres_dsn)
        sessions, messages, turns, entries = counts(postgres_dsn)
        receipt = saver.erase_thread(SECRET)
        assert receipt == Receipt(
            thread_ids=(SECRET,),
            hot_keys=5,
            sessions=sessions,
            messages=messages,
            turns=turns,
            entries=entries,
        )
        assert min(messages, turns, entries) > 0
        assert left_in_redis(redis_client) == {}
        assert "secret" not in told_in_postgres(postgres_dsn)
        assert counts(postgres_dsn) == [1, 0, 0, 0], "the mark stays"
        assert saver.thread(SECRET) is None
        assert saver.state_document(SECRET) is None
        assert saver.list_threads() == ([], None)
        assert saver.backlog() == (0, 0, 0, 0, [], None)
        assert saver.erase_thread(SECRET) == Receipt()


def test_a_thread_that_only_one_tier_has(open_saver, archive, postgres_dsn, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        talk(saver)
        receipt = saver.erase_thread(SECRET)
        assert (receipt.hot_keys, receipt.sessions) == (5, 0)
        assert left_in_redis(redis_client) == {}
        assert "secret" not in told_in_postgres(postgres_dsn)
        talk(saver, "cold")
        saver.archive_thread("cold")
        redis_client.flushdb()
        receipt = saver.erase_thread("cold")
        assert (receipt.hot_keys, receipt.sessions, receipt.messages) == (0, 1, 2)
        assert counts(postgres_dsn) == [2, 0, 0, 0]


def test_without_an_archive_and_with_one_that_cannot_be_searched(open_saver, redis_client):
    with open_saver() as saver:
        talk(saver)
        assert saver.erase_thread(SECRET) == Receipt(thread_ids=(SECRET,), hot_keys=4)
        assert left_in_redis(redis_client) == {}
    archive = MemoryArchive()
    with open_saver(archive=archive, run_archiver=False) as saver:
        talk(saver)
        saver.archive_thread(SECRET)
        receipt = saver.erase_thread(SECRET)
        assert (receipt.sessions, receipt.hot_keys) == (1, 4)
        assert archive.threads[SECRET].messages == {}
        assert saver.erase_thread(SECRET) == Receipt()


def test_erasing_does_what_a_deletion_was_told_not_to(open_saver, archive, postgres_dsn):
    with open_saver(archive=archive, run_archiver=False, delete_scope="hot") as saver:
        talk(saver, user_id="ann")
        saver.archive_thread(SECRET)
        saver.delete_thread(SECRET)
        assert counts(postgres_dsn)[:2] == [1, 2]
        receipt = saver.erase_user("ann")
        assert (receipt.thread_ids, receipt.messages) == ((SECRET,), 2)
        assert counts(postgres_dsn) == [1, 0, 0, 0]
        assert "secret" not in told_in_postgres(postgres_dsn)


def test_an_erased_id_may_be_used_again(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        for name in (SECRET, "nul \x00 \ud800"):
            talk(saver, name)
            saver.archive_thread(name)
            saver.erase_thread(name)
            talk(saver, name, "anew")
            assert saver.archive_thread(name) == "archived"
            redis_client.flushdb()
            assert saver.thread(name).thread_id == name
            assert saver.state_document(name)["messages"][0]["content"] == "anew"
        found = [info.thread_id for info in saver.list_threads().threads]
        assert found == ["nul \x00 \ud800", SECRET]


def test_all_threads_of_a_user(open_saver, archive, postgres_dsn, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        for user in ("ann", "bob"):
            for tier in ("cold", "both", "hot"):
                talk(saver, f"{user} {tier}", user_id=user)
        for user in ("ann", "bob"):
            for tier in ("cold", "both"):
                saver.archive_thread(f"{user} {tier}")
            redis_client.delete(*redis_client.keys(f"langgraph:state:{{{user} cold}}*"))
        receipt = saver.erase_user("ann")
        assert sorted(receipt.thread_ids) == ["ann both", "ann cold", "ann hot"]
        assert (receipt.sessions, receipt.messages, receipt.turns) == (2, 4, 2)
        assert (receipt.hot_keys, receipt.entries > 0) == (9, True)
        assert not [key for key in left_in_redis(redis_client) if b"ann" in key]
        assert "ann" not in told_in_postgres(postgres_dsn)
        found = sorted(info.thread_id for info in saver.list_threads().threads)
        assert found == ["bob both", "bob cold", "bob hot"]
        assert saver.erase_user("ann") == Receipt()
        assert saver.erase_user("nobody") == Receipt()


def test_a_user_that_only_an_earlier_checkpoint_names(open_saver):
    with open_saver() as saver:
        plain = getattr(saver, "saver", saver)
        first = put(plain, 1, {"a": 1}, metadata={"user_id": "ann"})
        put(plain, 2, {"a": 2}, parent=first)
        put(plain, 1, {"a": 1}, thread_id="other", metadata={"user_id": "an"})
        assert saver.erase_user("ann").thread_ids == ("thread",)
        assert [info.thread_id for info in saver.list_threads().threads] == ["other"]


def test_a_user_with_hundreds_of_threads(redis_url, archive, redis_client):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as saver:
        for n in range(250):
            put(saver, 1, {"a": n}, thread_id=f"t{n}", metadata={"user_id": 7})
        for n in range(150):
            saver.archive_thread(f"t{n}")
        receipt = saver.erase_user("7")
        assert len(receipt.thread_ids) == 250
        assert receipt.sessions == 150
        assert left_in_redis(redis_client) == {}
        assert saver.list_threads() == ([], None)


@pytest.mark.parametrize("user", [False, True])
def test_an_archive_under_way_brings_nothing_back(redis_url, archive, redis_client, user):
    """The thread has been read, and is stored after it was erased."""
    read, erased = threading.Event(), threading.Event()

    class Slow:
        def __getattr__(self, name):
            return getattr(archive, name)

        def archive(self, threads):
            if not read.is_set():
                read.set()
                assert erased.wait(10)
            return archive.archive(threads)

    hook = Slow()
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as saver:
        with DualStoreSaver.from_conn_string(redis_url, archive=hook, run_archiver=False) as slow:
            talk(saver, "t", user_id="ann")
            saver.archive_thread("t")
            talk(saver, "t", "more", user_id="ann")
            outcome = []
            worker = threading.Thread(target=lambda: outcome.append(slow.archive_thread("t")))
            worker.start()
            assert read.wait(10)
            assert (saver.erase_user("ann") if user else saver.erase_thread("t")).sessions == 1
            erased.set()
            worker.join()
        assert outcome == ["absent"]
        assert left_in_redis(redis_client) == {}
        assert archive.messages("t") == []
        assert saver.thread("t") is None


def test_an_archive_that_is_away_is_an_error_and_the_thread_is_still_to_be_erased(redis_url):
    away = [False]

    def fault(method):
        if away[0] and method == "delete":
            raise ColdStoreUnavailable("away")

    archive = MemoryArchive(fault)
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as saver:
        talk(saver, "t")
        saver.archive_thread("t")
        away[0] = True
        with pytest.raises(ColdStoreUnavailable):
            saver.erase_thread("t")
        away[0] = False
        assert saver.erase_thread("t").sessions == 1


@pytest.mark.parametrize("user_id", [None, True, b"ann", ["ann"], 1.5])
def test_what_is_no_user_is_refused(open_saver, user_id):
    with open_saver() as saver, pytest.raises(ConfigurationError, match="user_id"):
        saver.erase_user(user_id)

"""A thread that cannot be archived is set aside, and others go on; what passes sets none aside."""

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

import cold_archives
import psycopg
import pytest
from conversations import messages, talk
from eventually import eventually
from langchain_core.messages import HumanMessage
from memory_archive import MemoryArchive
from psycopg.conninfo import make_conninfo
from raw_checkpoints import put, values_at

from langgraph_dualstore import ConfigurationError, DualStoreSaver
from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.errors import (
    ArchiveRejected,
    ColdStoreError,
    ColdStoreUnavailable,
    SchemaMismatch,
    UnknownMessageType,
)
from langgraph_dualstore.hot.keys import queue_of
from langgraph_dualstore.operations.queue import Backlog

EMPTY = Backlog(0, 0, 0, 0, [], None)
ATTEMPTS = 3


def names_in_one_queue(total):
    """Threads that are taken on, and archived, together."""
    first = queue_of("langgraph:state", "thread 0")
    names = (f"thread {n}" for n in count())
    return [
        next(name for name in names if queue_of("langgraph:state", name) == first)
        for _ in range(total)
    ]


OTHERS = names_in_one_queue(5)
POISONED = OTHERS.pop(2)


@pytest.fixture
def archive():
    return MemoryArchive()


@pytest.fixture
def saver(redis_url, archive):
    with opened(redis_url, archive) as saver:
        yield saver


def opened(url, archive, **options):
    options = {
        "archive_attempts": ATTEMPTS,
        "archive_delay": timedelta(milliseconds=5),
        "run_archiver": False,
        **options,
    }
    return DualStoreSaver.from_conn_string(url, archive=archive, **options)


class Faults:
    """Ways in which one thread is at fault; each returns how to mend it."""

    @staticmethod
    @contextmanager
    def a_message_of_no_known_kind(url, archive, client):
        def redact(row):
            if broken and row.content == POISONED:
                raise UnknownMessageType("no transcript knows such a message")
            return row

        broken = [True]
        with opened(url, archive, redact=redact) as saver:
            yield saver, "UnknownMessageType: no transcript knows", broken.clear

    @staticmethod
    @contextmanager
    def a_record_that_cannot_be_read(url, archive, client):
        with opened(url, archive) as saver:
            talk(saver, 4, thread_id=POISONED)
            log = f"langgraph:state:{{{POISONED}}}:log"
            held = client.dump(log)
            client.delete(log)
            yield saver, "CorruptRecord: a part of thread", lambda: client.restore(log, 0, held)

    @staticmethod
    @contextmanager
    def an_archive_that_rejects_it(url, archive, client):
        with Faults._refusing(url, archive, ArchiveRejected("too big")) as given:
            yield given

    @staticmethod
    @contextmanager
    def an_archive_that_fails_on_it(url, archive, client):
        with Faults._refusing(url, archive, KeyError("a bug")) as given:
            yield given

    @staticmethod
    @contextmanager
    def _refusing(url, archive, error):
        def store(threads, store=archive.archive):
            if any(thread.thread_id == POISONED for thread in threads):
                raise error
            return store(threads)

        archive.archive = store
        with opened(url, archive) as saver:
            yield saver, f"{type(error).__name__}: ", lambda: delattr(archive, "archive")


@pytest.mark.parametrize("fault", [name for name in vars(Faults) if not name.startswith("_")])
def test_a_poisoned_thread_is_set_aside_while_others_are_archived(
    redis_url, redis_client, archive, fault
):
    with getattr(Faults, fault)(redis_url, archive, redis_client) as (saver, error, mend):
        began = datetime.now(UTC)
        for name in (*OTHERS, POISONED):
            if not redis_client.exists(f"langgraph:state:{{{name}}}:head"):
                put(saver, 1, {"messages": [HumanMessage(name, id=name)]}, thread_id=name)
        backlog = saver.backlog()
        while not backlog.dead:
            time.sleep(0.02)
            saver._archiver._round()
            assert set(archive.threads) == set(OTHERS)
            backlog = saver.backlog()
        (letter,) = backlog.dead
        assert letter.thread_id == POISONED
        assert letter.error.startswith(error)
        assert began <= letter.failed_at <= datetime.now(UTC)
        assert backlog == Backlog(0, 0, 0, 0, [letter])
        assert saver.ttl_of(POISONED) is None
        assert saver.ttl_of(OTHERS[0]) > timedelta(hours=23)

        # It stays there, and can be tried again any number of times.
        assert saver.flush()
        assert saver.revive(POISONED)
        assert saver.ttl_of(POISONED)
        assert saver.flush()
        assert [again.thread_id for again in saver.backlog().dead] == [POISONED]
        assert saver.ttl_of(POISONED) is None
        mend()
        assert saver.revive(POISONED)
        assert not saver.revive(POISONED)
        assert saver.flush()
        assert saver.backlog() == EMPTY
        assert set(archive.threads) == {*OTHERS, POISONED}
        assert saver.ttl_of(POISONED)


def test_a_thread_that_was_set_aside_is_tried_again_when_it_goes_on(redis_url, archive):
    """And stays set aside, pinned and whole, if it still cannot be archived."""

    def redact(row):
        if row.key == "m1":
            raise UnknownMessageType("no transcript knows it")
        return row

    with opened(redis_url, archive, redact=redact) as saver:
        last = talk(saver, 2)
        assert saver.flush()
        last = talk(saver, 1, start=3, parent=last, said=messages(2))
        assert saver.ttl_of("thread") is None
        assert saver.flush()
        assert [letter.thread_id for letter in saver.backlog().dead] == ["thread"]
        assert values_at(saver, last)["messages"] == messages(3)
        # One that is deleted is no dead letter any more.
        saver.delete_thread("thread")
        assert saver.backlog() == EMPTY


@pytest.mark.parametrize(
    "error",
    [
        ColdStoreUnavailable("away"),
        ColdStoreError("permission denied"),
        SchemaMismatch("no tables"),
        ConfigurationError("the pool is closed"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("method", ["archive", "marks"])
def test_what_is_no_threads_fault_sets_none_aside(saver, archive, error, method):
    for name in OTHERS:
        talk(saver, 1, thread_id=name)
    time.sleep(0.02)

    def fault(name):
        if name == method:
            raise error

    archive.fault = fault
    for _ in range(ATTEMPTS + 1):
        with pytest.raises(type(error)):
            saver.flush()
        with pytest.raises(type(error)):
            until_due(saver._archiver._round)
    backlog = saver.backlog()
    assert (backlog.queued, backlog.leased, backlog.dead) == (len(OTHERS), 0, [])
    archive.fault = lambda _: None
    eventually(saver.flush, 5)
    assert set(archive.threads) == set(OTHERS)
    assert saver.backlog() == EMPTY


def until_due(work):
    """What waits for the archive is tried again soon."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        work()
        time.sleep(0.01)


def test_postgres_that_lacks_tables_or_rights_sets_none_aside(redis_url, postgres_dsn):
    archive = PostgresArchive(make_conninfo(postgres_dsn, options="-c role=dualstore_nobody"))
    with (
        opened(redis_url, archive) as saver,
        psycopg.connect(postgres_dsn, autocommit=True) as admin,
    ):
        if not admin.execute("SELECT FROM pg_roles WHERE rolname = 'dualstore_nobody'").fetchall():
            admin.execute("CREATE ROLE dualstore_nobody")
        talk(saver, 1)

        def fails(kind, match):
            for _ in range(2 * ATTEMPTS):
                with pytest.raises(kind, match=match):
                    saver.flush()
            backlog = saver.backlog()
            assert (backlog.queued, backlog.leased, backlog.dead) == (1, 0, [])

        fails(SchemaMismatch, "setup")
        with cold_archives.opened(postgres_dsn):
            pass
        fails((ColdStoreError, SchemaMismatch), "permission denied")
        admin.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO dualstore_nobody")
        admin.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO dualstore_nobody")
        eventually(saver.flush, 5)
        assert saver.backlog() == EMPTY
        assert [found.row.key for found in archive.messages("thread")] == ["m1"]
        archive.close()

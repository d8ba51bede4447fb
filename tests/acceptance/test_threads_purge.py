"""`purge`: what is old leaves the archive, and what is not stays."""

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from cold_archives import START, TABLES, archive_of, dialog, query, store
from cold_archives import opened as opened_archive
from graph_runner import thread
from graphs import chat_graph, says
from memory_archive import MemoryArchive

from langgraph_dualstore.archive import Counted
from langgraph_dualstore.errors import ConfigurationError, SchemaMismatch


@pytest.fixture
def archive(postgres_dsn):
    with opened_archive(postgres_dsn) as archive:
        yield archive


def left(archive):
    return sorted(session.thread_id for _, session in archive.find_sessions(limit=1000))


def counts(dsn):
    return [query(dsn, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]


def at(hour):
    return START + timedelta(hours=hour)


def test_old_threads_go_with_all_that_is_theirs(open_saver, archive, postgres_dsn):
    for hour in range(10):
        store(archive, f"t{hour}", *dialog(4), hour=hour)
    with open_saver(archive=archive) as saver:
        dry = saver.purge(at(7), dry_run=True)
        assert (dry.before, dry.dry_run) == (at(7), True)
        assert dry.removed == Counted(7, 28, 14, 14)
        assert len(left(archive)) == 10
        for batch in (3, 500):
            report = saver.purge(at(7), batch=batch)
            assert not report.dry_run
            assert report.removed == (dry.removed if batch == 3 else Counted())
        assert left(archive) == ["t7", "t8", "t9"]
        assert counts(postgres_dsn) == [3, 12, 6, 6]
        assert saver.purge(timedelta(days=1)).removed.sessions == 3
        assert counts(postgres_dsn) == [0, 0, 0, 0]


def test_a_time_without_a_zone_is_in_utc(open_saver, archive):
    store(archive, "t", hour=3)
    with open_saver(archive=archive) as saver:
        assert saver.purge(at(3).replace(tzinfo=None)).removed == Counted()
        assert saver.purge(at(3.1).replace(tzinfo=None)).removed.sessions == 1


def test_marks_of_deleted_threads_go_when_they_are_old(open_saver, archive, postgres_dsn):
    for name, keep in (("all", False), ("kept", True)):
        store(archive, name, *dialog(2), hour=1)
        archive.delete(name, keep_transcript=keep)
    archive.erase("erased")
    with open_saver(archive=archive) as saver:
        # They were deleted just now, whenever they were active last.
        assert saver.purge(timedelta(minutes=1)).removed == Counted()
        query(postgres_dsn, "UPDATE prompt_sessions SET deleted_at = now() - interval '1 day'")
        dry = saver.purge(timedelta(hours=1), dry_run=True)
        assert dry.removed == Counted(1, 2, 1, 0, 2)
        assert saver.purge(timedelta(hours=1), batch=1).removed == dry.removed
        assert counts(postgres_dsn) == [0, 0, 0, 0]


def test_a_thread_in_redis_is_left_alone_and_archived_anew(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        graph = chat_graph(getattr(saver, "saver", saver))
        graph.invoke(says("one"), thread("t"))
        saver.archive_thread("t")
        assert saver.purge(timedelta(microseconds=1)).removed.sessions == 1
        assert saver.thread("t").where == "hot"
        assert not saver.thread("t").up_to_date
        graph.invoke(says("two"), thread("t"))
        assert saver.archive_thread("t") == "archived"
        redis_client.flushdb()
        assert len(graph.get_state(thread("t")).values["messages"]) == 4


def test_a_thread_that_is_being_archived_is_left_alone(open_saver, archive, postgres_dsn):
    store(archive, "t", hour=1)
    store(archive, "other", hour=1)
    with open_saver(archive=archive) as saver, psycopg.connect(postgres_dsn) as other:
        other.execute("SELECT 1 FROM prompt_sessions WHERE thread_id = 't' FOR UPDATE")
        assert saver.purge(at(5)).removed.sessions == 1
        assert left(archive) == ["t"]
        other.rollback()
        assert saver.purge(at(5)).removed.sessions == 1


def test_it_may_run_while_threads_are_archived(archive):
    """A thread that is written to in between is active, and so not old."""
    stop = threading.Event()
    failures = []

    def write():
        while not stop.is_set():
            try:
                known = archive.marks(["t"]).get("t")
                base = known.value if known else None
                hour = (datetime.now(UTC) - START) / timedelta(hours=1)
                archive.archive([archive_of("t", *dialog(3), base=base, hour=hour)])
            except Exception as error:
                failures.append(error)
                return

    worker = threading.Thread(target=write)
    worker.start()
    for _ in range(100):
        archive.purge(datetime.now(UTC) - timedelta(milliseconds=5))
    stop.set()
    worker.join()
    assert failures == []


@pytest.mark.parametrize(
    ("older_than", "given", "name"),
    [
        (5, {}, "older_than"),
        ("1 day", {}, "older_than"),
        (None, {}, "older_than"),
        (timedelta(0), {"batch": 0}, "batch"),
        (timedelta(days=1), {"batch": 0}, "batch"),
        (timedelta(days=1), {"batch": True}, "batch"),
        (timedelta(days=1), {"batch": 1.5}, "batch"),
        (timedelta(days=1), {"dry_run": "yes"}, "dry_run"),
        (timedelta(days=-1), {}, "older_than"),
        (timedelta.max, {}, "older_than"),
        (datetime.now(UTC) + timedelta(days=1), {}, "older_than"),
    ],
)
def test_bad_input_is_refused_by_name(open_saver, archive, older_than, given, name):
    store(archive, "t")
    with open_saver(archive=archive) as saver:
        with pytest.raises(ConfigurationError, match=name):
            saver.purge(older_than, **given)
        assert left(archive) == ["t"]


def test_there_must_be_an_archive_that_can(open_saver, postgres_dsn):
    with open_saver() as saver, pytest.raises(ConfigurationError, match="no archive"):
        saver.purge(timedelta(days=1))
    refused = pytest.raises(ConfigurationError, match="SearchableArchive")
    with open_saver(archive=MemoryArchive()) as saver, refused:
        saver.purge(timedelta(days=1))
    with open_saver(postgres_dsn=postgres_dsn) as saver, pytest.raises(SchemaMismatch):
        saver.purge(timedelta(days=1))

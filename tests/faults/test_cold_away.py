"""PostgreSQL is stopped, refuses, hangs or is slow: no run waits, and nothing is forgotten."""

import asyncio
import contextlib
import logging
import time
import traceback
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import pytest
from eventually import aeventually, eventually
from graph_runner import thread
from graphs import chat_graph, says
from memory_archive import MemoryArchive
from raw_checkpoints import config_of, put
from servers.proxy import SlowProxy

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.errors import ColdStoreError, ColdStoreUnavailable
from langgraph_dualstore.operations.queue import Backlog

EMPTY = Backlog(0, 0, 0, 0, [], None)
SLOWEST = 2.0  # seconds; PostgreSQL needs more for anything, or never answers
TTL = 3.0


class Cold:
    """A PostgreSQL that can go away, in one way, and come back."""

    def __init__(self, dsn, away, back):
        self.dsn, self.away, self.back = dsn, away, back


@pytest.fixture
def cold(request):
    way = request.param
    if way in ("stopped", "suspended"):
        server = request.getfixturevalue("own_postgres")
        away, back = (
            (server.kill, server.start) if way == "stopped" else (server.suspend, server.resume)
        )
        yield Cold(server.url, away, back)
        server.resume()
        return
    dsn = request.getfixturevalue("postgres_dsn")
    parts = urlsplit(dsn)
    with SlowProxy(parts.hostname, parts.port) as proxy:

        def away():
            proxy.delay, proxy.refuse = (SLOWEST, False) if way == "slow" else (0, True)
            if way == "refusing":
                proxy.cut()

        def back():
            proxy.delay, proxy.refuse = 0, False

        yield Cold(proxy.url_of(dsn), away, back)
        back()


@contextlib.contextmanager
def archive_at(dsn, **options):
    archive = PostgresArchive(dsn, **options)
    archive.setup()
    try:
        yield archive
    finally:
        archive.close()


def opened(url, archive, **options):
    options = {"archive_delay": timedelta(milliseconds=20), **options}
    return DualStoreSaver.from_conn_string(url, archive=archive, **options)


def contents(archive, thread_id):
    return [found.row.content for found in archive.messages(thread_id)]


@pytest.mark.parametrize("cold", ["stopped", "refusing", "suspended", "slow"], indirect=True)
async def test_no_run_waits_and_the_backlog_drains_by_itself(redis_url, cold, request):
    slow = "slow" in request.node.callspec.id
    options = {} if slow else {"timeout": 1, "archive_timeout": 1}
    ttl = 60 if slow else TTL
    with archive_at(cold.dsn, **options) as archive:
        async with opened(redis_url, archive, ttl=ttl) as saver:
            graph = chat_graph(saver)
            await graph.ainvoke(says("hello"), thread("quiet"))
            for name in ("sync", "async"):
                await graph.ainvoke(says("0"), thread(name))  # a new one would be looked for
            await aeventually(lambda: saver.backlog() == EMPTY)
            cold.away()
            began, slowest, turn = time.monotonic(), 0.0, 0
            await graph.ainvoke(says("anyone?"), thread("quiet"))
            while time.monotonic() < began + TTL + 0.5:
                turn += 1
                at = time.monotonic()
                await graph.ainvoke(says(f"{turn}"), thread("async"))
                between = time.monotonic()
                await asyncio.to_thread(graph.invoke, says(f"{turn}"), thread("sync"))
                slowest = max(slowest, between - at, time.monotonic() - between)
                await asyncio.sleep(0.1)
            assert slowest < SLOWEST
            # Nothing was written to it since; it would have expired.
            assert saver.ttl_of("quiet")
            if not slow:
                backlog = saver.backlog()
                assert backlog.queued + backlog.leased >= 3
            cold.back()
            await aeventually(lambda: saver.backlog() == EMPTY)
            expected = [text for n in range(turn + 1) for text in (f"{n}", f"{n + 1}: {n}")]
            for name in ("sync", "async"):
                assert contents(archive, name) == expected
            assert contents(archive, "quiet") == ["hello", "1: hello", "anyone?", "2: anyone?"]


@pytest.mark.parametrize(
    ("cold", "methods"),
    [
        ("stopped", "sync"),
        ("refusing", "async"),
        ("suspended", "sync"),
        ("suspended", "async"),
    ],
    indirect=["cold"],
)
def test_close_says_what_it_leaves_and_does_not_wait(redis_url, cold, methods, caplog):
    with archive_at(cold.dsn) as archive:
        saver = opened(redis_url, archive, drain_timeout=timedelta(seconds=1))
        graph = chat_graph(saver)
        graph.invoke(says("hello"), thread())
        eventually(lambda: archive.marks(["thread"]))
        cold.away()
        graph.invoke(says("anyone?"), thread())
        time.sleep(0.2)  # the background is in the middle of it
        began = time.monotonic()
        with caplog.at_level(logging.WARNING, "langgraph_dualstore"):
            asyncio.run(saver.aclose()) if methods == "async" else saver.close()
        assert time.monotonic() - began < 3
        assert any("queued, to be archived later" in text for text in caplog.messages)
        cold.back()
        with opened(redis_url, archive) as another:
            assert another.flush(70)
            assert contents(archive, "thread") == ["hello", "1: hello", "anyone?", "2: anyone?"]
            assert another.backlog() == EMPTY


@pytest.mark.parametrize("cold", ["refusing", "suspended"], indirect=True)
def test_what_cannot_be_looked_for_is_an_error_or_ignored(redis_url, redis_client, cold):
    with archive_at(cold.dsn, timeout=1) as archive, opened(redis_url, archive) as saver:
        chat_graph(saver).invoke(says("hello"), thread())
        assert saver.flush()
        redis_client.flushdb()
        cold.away()
        with pytest.raises(ColdStoreUnavailable):
            chat_graph(saver).invoke(says("again"), thread())
        with opened(redis_url, archive, on_cold_error="ignore", run_archiver=False) as careless:
            assert chat_graph(careless).invoke(says("new"), thread())["turns"] == 1
        redis_client.flushdb()
        cold.back()
        found = eventually(lambda: found_again(saver))
        assert found.checkpoint["channel_values"]["turns"] == 1


def found_again(saver):
    with contextlib.suppress(ColdStoreUnavailable):
        return saver.get_tuple(config_of())


def test_a_wrong_password_is_an_error_that_does_not_show_it(redis_url, postgres_dsn, caplog):
    parts = urlsplit(postgres_dsn)
    netloc = parts.netloc.replace(f":{parts.password}@", ":hunter2-secret@")
    wrong = urlunsplit(parts._replace(netloc=netloc))
    archive = PostgresArchive(wrong)
    with (
        caplog.at_level(logging.DEBUG),
        opened(redis_url, archive, drain_timeout=timedelta(0)) as saver,
    ):
        put(saver, 1, {"a": 1})
        eventually(lambda: any("cannot archive" in text for text in caplog.messages))
        with pytest.raises(ColdStoreError, match="refused the connection") as raised:
            saver.flush()
        assert not isinstance(raised.value, ColdStoreUnavailable)
        with pytest.raises(ColdStoreError) as also_raised:
            saver.get_tuple(config_of("another"))
        assert saver.backlog().dead == []
    for error in (raised.value, also_raised.value):
        assert "hunter2" not in "".join(traceback.format_exception(error))
    assert "hunter2" not in caplog.text
    archive.close()


@pytest.mark.parametrize("ttl", [None, timedelta(hours=24)])
def test_an_archive_that_is_away_is_not_asked_all_the_time(redis_url, ttl):
    def fault(name):
        if name != "close":
            raise ColdStoreUnavailable("away")

    archive = MemoryArchive(fault)
    with opened(redis_url, archive, ttl=ttl) as saver:
        put(saver, 1, {"a": 1})
        time.sleep(1.5)
        assert 3 <= len(archive.calls) < 12  # each time it waits for longer
        archive.fault = lambda _: None
    assert "thread" in archive.threads  # closing does not wait until it would be asked again

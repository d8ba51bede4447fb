"""Servers that are away, silent, full or refuse; forks; answers that get lost."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import psycopg_pool
import pytest
from cold_archives import archive_of, dialog, opened, query, said, store
from psycopg.conninfo import make_conninfo

from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.cold.faults import translate
from langgraph_dualstore.errors import (
    ArchiveRejected,
    ColdStoreError,
    ColdStoreUnavailable,
    ConfigurationError,
    SchemaMismatch,
)


def test_a_server_that_restarts_between_calls_is_not_noticed(own_postgres):
    with opened(own_postgres.url) as archive:
        store(archive, "t", *dialog(2))
        own_postgres.restart()
        store(archive, "t", *dialog(2, first=2))
        own_postgres.restart()
        assert archive.restore("t") is not None
        own_postgres.restart()
        assert archive.delete("t", keep_transcript=False)


def test_a_given_pool_survives_a_restart_too(own_postgres):
    with psycopg_pool.ConnectionPool(own_postgres.url, min_size=3, open=True) as pool:
        pool.wait()
        with opened(pool) as archive:
            store(archive, "t", *dialog(2))
            own_postgres.restart()
            store(archive, "t", *dialog(2, first=2))
            assert archive.session("t").message_count == 4


def test_a_server_that_is_away_is_unavailable_and_comes_back(own_postgres):
    with opened(own_postgres.url, timeout=10) as archive:
        thread = archive_of("t", *dialog(2))
        own_postgres.kill()
        calls = [
            lambda: archive.restore("t"),
            lambda: archive.archive([thread]),
            lambda: archive.delete("t", keep_transcript=False),
        ]
        began = time.monotonic()
        with ThreadPoolExecutor() as threads:
            errors = [called.exception() for called in [threads.submit(call) for call in calls]]
        assert time.monotonic() - began < 5  # it refuses, so nobody waits for long
        assert [type(error) for error in errors] == [ColdStoreUnavailable] * 3
        assert all(isinstance(error.__cause__, psycopg.Error) for error in errors)
        own_postgres.start()
        assert not archive.archive([thread])
        assert archive.restore("t") is not None


@pytest.mark.parametrize("first", [True, False])
def test_a_server_that_is_silent_is_unavailable_soon(own_postgres, first):
    with opened(own_postgres.url) as plain:
        store(plain, "t")
    archive = PostgresArchive(own_postgres.url, timeout=2, archive_timeout=2)
    try:
        if not first:
            archive.marks(["t"])
        own_postgres.suspend()
        for call in (lambda: archive.restore("t"), lambda: archive.archive([archive_of("u")])):
            began = time.monotonic()
            with pytest.raises(ColdStoreUnavailable):
                call()
            assert time.monotonic() - began < 8
        own_postgres.resume()
        assert archive.restore("t") is not None
    finally:
        own_postgres.resume()
        archive.close()


def test_a_server_without_free_connections_is_unavailable(start_postgres):
    server = start_postgres("max_connections=5", "superuser_reserved_connections=0")
    with contextlib.ExitStack() as taken:
        with contextlib.suppress(psycopg.OperationalError):
            for _ in range(20):
                taken.enter_context(server.connect())
        archive = PostgresArchive(server.url, timeout=1)
        with pytest.raises(ColdStoreUnavailable, match=r"too many clients|remaining connection"):
            archive.setup()
    archive.setup()
    archive.close()


def test_a_pool_without_free_connections_is_unavailable(postgres_dsn):
    with (
        opened(postgres_dsn, max_size=1, timeout=0.5) as archive,
        psycopg.connect(postgres_dsn) as other,
    ):
        store(archive, "t")
        other.execute("SELECT FROM prompt_sessions FOR UPDATE")
        mark = archive.marks(["t"])["t"].value
        waiting = threading.Thread(target=archive.archive, args=([archive_of("t", base=mark)],))
        waiting.start()
        time.sleep(0.2)
        with pytest.raises(ColdStoreUnavailable):
            archive.restore("t")
        other.rollback()
        waiting.join()
        assert archive.restore("t") is not None


def test_a_lock_that_is_held_for_too_long_makes_it_unavailable(postgres_dsn):
    dsn = make_conninfo(postgres_dsn, options="-c lock_timeout=200")
    with opened(dsn) as archive, psycopg.connect(postgres_dsn) as other:
        store(archive, "t")
        mark = archive.marks(["t"])["t"].value
        other.execute("SELECT FROM prompt_sessions FOR UPDATE")
        with pytest.raises(ColdStoreUnavailable, match="lock"):
            archive.archive([archive_of("t", base=mark), archive_of("u")])
        other.rollback()
        assert archive.session("u") is None  # all or nothing
        assert not archive.archive([archive_of("t", base=mark), archive_of("u")])


def test_a_statement_timeout_makes_it_unavailable(postgres_dsn):
    dsn = make_conninfo(postgres_dsn, options="-c statement_timeout=300")
    with opened(dsn) as archive, psycopg.connect(postgres_dsn) as other:
        store(archive, "t")
        other.execute("SELECT FROM prompt_sessions FOR UPDATE")
        with pytest.raises(ColdStoreUnavailable, match="timeout"):
            archive.delete("t", keep_transcript=False)


def test_a_server_that_only_reads_is_unavailable(postgres_dsn):
    with opened(postgres_dsn) as archive:
        store(archive, "t")
    dsn = make_conninfo(postgres_dsn, options="-c default_transaction_read_only=on")
    archive = PostgresArchive(dsn)
    assert archive.restore("t") is not None
    with pytest.raises(ColdStoreUnavailable, match="read-only"):
        archive.archive([archive_of("u")])
    archive.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "hunter2"},
        {"user": "nobody", "password": "hunter2"},
        {"dbname": "nothing"},
        {"sslmode": "verify-full", "sslrootcert": "/nonexistent"},
        {"port": "port"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_connection_that_is_refused_for_good_is_no_passing_fault(own_postgres, wrong):
    archive = PostgresArchive(make_conninfo(own_postgres.url, **wrong), timeout=20)
    began = time.monotonic()
    with pytest.raises(ColdStoreError) as raised:
        archive.setup()
    assert not isinstance(raised.value, ColdStoreUnavailable)
    assert isinstance(raised.value.__cause__, psycopg.Error)
    assert "hunter2" not in str(raised.value)
    assert time.monotonic() - began < 5
    archive.close()


@pytest.mark.parametrize(
    ("error", "own"),
    [
        (psycopg.errors.SerializationFailure(), ColdStoreUnavailable),
        (psycopg.errors.DeadlockDetected(), ColdStoreUnavailable),
        (psycopg.errors.LockNotAvailable(), ColdStoreUnavailable),
        (psycopg.errors.QueryCanceled(), ColdStoreUnavailable),
        (psycopg.errors.TooManyConnections(), ColdStoreUnavailable),
        (psycopg.errors.CannotConnectNow(), ColdStoreUnavailable),
        (psycopg.errors.AdminShutdown(), ColdStoreUnavailable),
        (psycopg.errors.CrashShutdown(), ColdStoreUnavailable),
        (psycopg.errors.DiskFull(), ColdStoreUnavailable),
        (psycopg.errors.OutOfMemory(), ColdStoreUnavailable),
        (psycopg.errors.ReadOnlySqlTransaction(), ColdStoreUnavailable),
        (psycopg.OperationalError("the connection is lost"), ColdStoreUnavailable),
        (psycopg_pool.PoolTimeout(), ColdStoreUnavailable),
        (psycopg_pool.TooManyRequests(), ColdStoreUnavailable),
        (psycopg.errors.UndefinedTable(), SchemaMismatch),
        (psycopg.errors.UndefinedColumn(), SchemaMismatch),
        (psycopg.errors.InvalidPassword(), ColdStoreError),
        (psycopg.errors.InvalidAuthorizationSpecification(), ColdStoreError),
        (psycopg.errors.InvalidCatalogName(), ColdStoreError),
        (psycopg.errors.InsufficientPrivilege(), ColdStoreError),
        (psycopg.errors.InvalidTextRepresentation(), ArchiveRejected),
        (psycopg.errors.ProgramLimitExceeded(), ArchiveRejected),
        (psycopg.errors.DuplicatePreparedStatement(), ColdStoreError),
        (UnicodeEncodeError("latin-1", "ü", 0, 1, "no"), ArchiveRejected),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_errors_become_the_packages_own(error, own):
    translated = translate(error)
    assert type(translated) is own
    assert translated.__cause__ is error


def test_errors_of_others_stay_what_they_are():
    error = KeyError("x")
    assert translate(error) is error


def test_an_error_does_not_quote_rows(postgres_dsn):
    with opened(postgres_dsn) as archive:
        query(postgres_dsn, "CREATE UNIQUE INDEX ON prompt_sessions (user_id)")
        store(archive, "t", user_id="ann@example.org")
        with pytest.raises(ColdStoreError) as raised:
            store(archive, "u", user_id="ann@example.org")
    assert "ann" not in str(raised.value)


class LosingProxy(threading.Thread):
    """Passes everything on, but cuts the line instead of passing on the answer to a COMMIT."""

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__(daemon=True)
        self.target = target
        self.losing = False
        self.lost = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
                for source, sink, from_server in ((client, server, False), (server, client, True)):
                    threading.Thread(
                        target=self.carry, args=(source, sink, from_server), daemon=True
                    ).start()

    def carry(self, source: socket.socket, sink: socket.socket, from_server: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                if from_server and self.losing and b"COMMIT\0" in chunk:
                    self.losing = False
                    self.lost += 1
                    break
                sink.sendall(chunk)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def losing(own_postgres) -> Iterator[tuple[LosingProxy, str]]:
    proxy = LosingProxy(own_postgres.address)
    proxy.start()
    yield proxy, make_conninfo(own_postgres.url, host="127.0.0.1", port=proxy.port)
    proxy.listener.close()


@pytest.mark.parametrize("size", [2, 100])
def test_an_archive_whose_answer_got_lost_is_stored_once_and_not_refused(losing, size):
    proxy, dsn = losing
    with opened(dsn) as archive:
        first = archive_of("t", *dialog(size))
        for thread in (first, archive_of("t", *dialog(size, first=size), base=first.mark)):
            proxy.losing = True
            assert not archive.archive([thread])
        assert proxy.lost == 2
        assert archive.session("t").message_count == 2 * size


def test_a_deletion_whose_answer_got_lost_still_says_that_there_was_something(losing):
    proxy, dsn = losing
    with opened(dsn) as archive:
        store(archive, "t", *dialog(2))
        proxy.losing = True
        assert archive.delete("t", keep_transcript=False) is True
        assert proxy.lost == 1


# In a program of its own: a forked test runner would go on with the tests.
FORKING = """
import os, sys
import psycopg_pool
from cold_archives import archive_of, dialog, store
from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.errors import ConfigurationError

dsn, given = sys.argv[1:]
source = psycopg_pool.ConnectionPool(dsn, open=True, min_size=1) if given == "pool" else dsn
archive = PostgresArchive(source)
archive.setup()
store(archive, "parent", *dialog(2))
child = os.fork()
if child == 0:
    try:
        if given == "pool":
            try:
                archive.marks(["parent"])
            except ConfigurationError as error:
                assert "forked" in str(error)
            else:
                os._exit(2)
        else:
            for n in range(5):
                store(archive, "child", *dialog(2, first=2 * n))
            archive.close()
        os._exit(0)
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)
for n in range(1, 5):
    store(archive, "parent", *dialog(2, first=2 * n))
assert os.waitpid(child, 0)[1] == 0
assert archive.session("parent").message_count == 10
assert given == "pool" or archive.session("child").message_count == 10
print("done")
"""


def run_program(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd="tests",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("given", ["dsn", "pool"])
def test_a_forked_child_does_not_use_its_parents_connections(postgres_dsn, given):
    done = run_program(FORKING, postgres_dsn, given)
    assert done.stdout == "done\n", done.stderr


def test_a_program_that_closes_nothing_ends_at_once_and_quietly(postgres_dsn):
    program = "import sys; from langgraph_dualstore.cold import PostgresArchive as A; a = A(sys.argv[1]); a.setup(); a.marks(['t'])"
    began = time.monotonic()
    done = run_program(program, postgres_dsn)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - began < 6


def test_without_psycopg_the_package_can_be_imported_and_says_what_is_missing():
    program = """
import sys
sys.modules["psycopg"] = None
import langgraph_dualstore
import langgraph_dualstore.cold.messages
from langgraph_dualstore.errors import ConfigurationError
try:
    from langgraph_dualstore.cold import PostgresArchive
except ConfigurationError as error:
    print(error)
"""
    done = run_program(program)
    assert 'pip install "langgraph-dualstore[postgres]"' in done.stdout, done.stderr


def test_a_call_on_a_closed_given_pool_says_so(postgres_dsn):
    with psycopg_pool.ConnectionPool(postgres_dsn, open=True) as pool, opened(pool) as archive:
        store(archive, "t", said("m"))
    with pytest.raises(ConfigurationError, match="closed"):
        archive.restore("t")

"""Where the archive's connections come from, and what becomes of them."""

from __future__ import annotations

import threading
import time

import psycopg
import psycopg_pool
import pytest
from cold_archives import dialog, opened, query, said, store
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.errors import ConfigurationError


def connections(dsn: str, name: str) -> int:
    counted = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    return query(dsn, counted, name)[0][0]


def url(dsn: str, scheme: str) -> str:
    """The same address as a URL."""
    parts = conninfo_to_dict(dsn)
    user = f"{parts['user']}:{parts.get('password', '')}"
    return f"{scheme}://{user}@{parts['host']}:{parts['port']}/{parts['dbname']}"


def exercise(archive: PostgresArchive) -> None:
    store(archive, "t", *dialog(70))
    store(archive, "t", *dialog(2, first=70), present={"messages": ["m71"]})
    assert archive.session("t").message_count == 72
    assert archive.restore("t") is not None
    assert archive.delete("t", keep_transcript=False)


@pytest.mark.parametrize(
    "scheme",
    ["postgresql", "postgres", "postgresql+psycopg", "postgresql+asyncpg", "postgres+psycopg2"],
)
def test_a_dsn_may_be_a_url_of_any_kind(postgres_dsn, scheme):
    with opened(url(postgres_dsn, scheme)) as archive:
        store(archive, "t")


def test_a_dsn_may_be_in_key_words(postgres_dsn):
    with opened(make_conninfo(postgres_dsn, connect_timeout=3)) as archive:
        store(archive, "t")


@pytest.mark.parametrize(
    "dsn",
    [
        "",
        "  ",
        "host=x password=hunter2 nonsense",
        "redis://user:hunter2@localhost",
        "postgresql://u:hunter2@h/db?nonsense=1",
    ],
)
def test_a_dsn_that_is_none_is_refused_without_showing_it(dsn):
    with pytest.raises(ConfigurationError) as raised:
        PostgresArchive(dsn)
    assert "DSN" in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_the_password_is_not_shown():
    archive = PostgresArchive("postgresql://user:hunter2@somewhere:1234/db", schema="chat")
    assert "hunter2" not in repr(archive)
    assert "somewhere" in repr(archive)


@pytest.mark.parametrize(
    "given",
    [
        {"max_size": 0},
        {"min_size": 5, "max_size": 2},
        {"min_size": -1},
        {"timeout": 0},
        {"archive_timeout": -1},
        {"prepare_threshold": -1},
    ],
)
def test_values_that_cannot_be_used_are_refused(given):
    with pytest.raises(ConfigurationError, match=next(iter(given))):
        PostgresArchive("host=localhost", **given)


@pytest.mark.parametrize("source", [None, 7, object(), b"host=localhost"])
def test_something_else_than_a_dsn_or_a_pool_is_refused(source):
    with pytest.raises(ConfigurationError, match=type(source).__name__):
        PostgresArchive(source)


def test_an_asyncio_pool_is_refused_with_the_reason():
    pool = psycopg_pool.AsyncConnectionPool("host=localhost", open=False)
    with pytest.raises(ConfigurationError, match=r"blocking .*ConnectionPool.*worker threads"):
        PostgresArchive(pool)


def test_nothing_is_connected_before_it_is_needed_or_after_it_is_closed(postgres_dsn):
    threads = threading.active_count()
    archive = PostgresArchive(postgres_dsn, application_name="lazy", min_size=1)
    assert threading.active_count() == threads
    assert connections(postgres_dsn, "lazy") == 0
    archive.setup()
    assert 1 <= connections(postgres_dsn, "lazy") <= 2
    archive.close()
    archive.close()
    time.sleep(0.1)
    assert connections(postgres_dsn, "lazy") == 0
    assert archive.marks(["t"]) == {}  # used again, it opens new ones
    assert 1 <= connections(postgres_dsn, "lazy") <= 2
    archive.close()


def test_no_more_connections_are_opened_than_allowed(postgres_dsn):
    with opened(postgres_dsn, application_name="few", max_size=2) as archive:
        workers = [
            threading.Thread(target=store, args=(archive, f"t{n}", *dialog(20))) for n in range(12)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len(archive.marks([f"t{n}" for n in range(12)])) == 12
        assert 1 <= connections(postgres_dsn, "few") <= 2


@pytest.mark.parametrize("prepare_threshold", [None, 0, 5])
def test_statements_may_be_prepared_or_not(postgres_dsn, prepare_threshold):
    with opened(postgres_dsn, prepare_threshold=prepare_threshold, max_size=1) as archive:
        for _ in range(8):
            exercise(archive)

        def prepared(connection):
            return connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()[0]

        count = archive._connections.run(prepared, patience=None)
    assert (count == 0) == (prepare_threshold is None)


def test_nothing_depends_on_the_session(postgres_dsn):
    """A pooler in transaction mode gives each transaction any session."""

    def forget(connection: psycopg.Connection) -> None:
        connection.autocommit = True
        connection.execute("DISCARD ALL")
        connection.autocommit = False

    with (
        psycopg_pool.ConnectionPool(
            postgres_dsn,
            kwargs={"prepare_threshold": None},
            min_size=1,
            max_size=2,
            reset=forget,
            open=True,
        ) as pool,
        opened(pool) as archive,
    ):
        for _ in range(3):
            exercise(archive)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"autocommit": True},
        {"row_factory": dict_row},
        {"cursor_factory": psycopg.ClientCursor},
        {"cursor_factory": psycopg.RawCursor, "autocommit": True},
        {"options": "-c default_transaction_isolation=serializable"},
        {"options": "-c default_transaction_isolation=repeatable\\ read", "autocommit": True},
        {"options": "-c timezone=Asia/Kolkata -c datestyle=German"},
    ],
    ids=lambda kwargs: " ".join(kwargs) or "default",
)
def test_a_given_pool_may_have_connections_of_any_kind(postgres_dsn, kwargs):
    with psycopg_pool.ConnectionPool(postgres_dsn, kwargs=kwargs, open=True) as pool:
        with opened(pool) as archive:
            exercise(archive)
            archive.close()
            assert archive.marks(["t"])["t"].deleted  # the pool has not been closed
        with pool.connection() as connection:
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            assert connection.autocommit == bool(kwargs.get("autocommit"))


def test_a_pool_without_idle_connections_will_do(postgres_dsn):
    with psycopg_pool.NullConnectionPool(postgres_dsn, open=True) as pool, opened(pool) as archive:
        exercise(archive)


def test_a_given_pool_that_is_not_open_is_reported(postgres_dsn):
    pool = psycopg_pool.ConnectionPool(postgres_dsn, open=False)
    archive = PostgresArchive(pool)
    with pytest.raises(ConfigurationError, match="closed: open it"):
        archive.setup()
    pool.open()
    archive.setup()
    pool.close()
    with pytest.raises(ConfigurationError, match="closed"):
        archive.marks(["t"])


@pytest.mark.parametrize("given", ["dsn", "pool"])
def test_a_connection_that_was_dropped_meanwhile_is_replaced(postgres_dsn, given):
    name = f"dropped {given}"
    dsn = make_conninfo(postgres_dsn, application_name=name)
    drop = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
    with psycopg_pool.ConnectionPool(dsn, min_size=3, open=True) as pool:
        pool.wait()
        with opened(dsn if given == "dsn" else pool) as archive:
            for _ in range(3):
                query(postgres_dsn, drop, name)
                time.sleep(0.1)
                began = time.monotonic()
                store(archive, "t", said("m"))
                assert archive.restore("t") is not None
                assert time.monotonic() - began < 8, "it waited for a time-out"

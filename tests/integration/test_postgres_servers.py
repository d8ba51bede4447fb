"""The PostgreSQL servers that other tests rely on are what they say they are."""

from __future__ import annotations

import select

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from servers import postgres_kinds, postgres_own
from servers.postgres import fresh_database, with_database
from servers.server import ServerUnavailable

from langgraph_dualstore.errors import ColdStoreError


def tables(dsn: str) -> list[tuple[str]]:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE left_behind ()")
        return connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()


def test_the_databases_of_two_tests_are_apart_first(postgres_dsn):
    assert tables(postgres_dsn) == [("left_behind",)]


def test_the_databases_of_two_tests_are_apart_second(postgres_dsn):
    assert tables(postgres_dsn) == [("left_behind",)]


def test_a_database_goes_with_its_test_whoever_is_connected(postgres_dsn, request):
    connection = psycopg.connect(postgres_dsn)
    request.addfinalizer(connection.close)


def test_a_killed_server_comes_back_on_the_same_port_with_its_data(own_postgres):
    with own_postgres.connect() as connection:
        connection.execute("CREATE TABLE kept ()")
        first = own_postgres.pid, own_postgres.url
        own_postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT FROM kept")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(first[1])
    own_postgres.start()
    assert own_postgres.url == first[1]
    assert own_postgres.pid != first[0]
    with own_postgres.connect() as connection:
        connection.execute("SELECT FROM kept")


def test_a_suspended_server_does_not_answer_until_it_is_resumed(own_postgres):
    with own_postgres.connect() as connection:
        own_postgres.suspend()
        connection.pgconn.send_query(b"SELECT 1")
        assert not select.select([connection], [], [], 0.2)[0]
        own_postgres.resume()
        assert select.select([connection], [], [], 5)[0]
        while connection.pgconn.get_result():
            pass


def test_a_suspended_server_can_be_stopped_and_killed(own_postgres):
    own_postgres.suspend()
    own_postgres.restart()
    own_postgres.suspend()
    own_postgres.stop()
    assert not own_postgres.running


def test_settings_are_the_servers(start_postgres):
    with start_postgres("max_connections=7", "work_mem = 1MB").connect() as connection:
        assert connection.execute("SHOW max_connections").fetchone() == ("7",)
        assert connection.execute("SHOW work_mem").fetchone() == ("1MB",)


def test_a_server_that_cannot_start_shows_its_log(start_postgres):
    with pytest.raises(ColdStoreError, match="no_such_setting"):
        start_postgres("no_such_setting=1")


def test_on_a_server_of_ones_own_only_new_databases_go(own_postgres, monkeypatch):
    monkeypatch.setenv("DUALSTORE_TEST_POSTGRES_DSN", own_postgres.url)
    postgres_kinds.check("own")
    with own_postgres.connect() as admin:
        admin.execute("CREATE TABLE mine ()")
        before = databases(admin)
        with (
            postgres_kinds.serve("own", pytest.fail) as server,
            fresh_database(admin, server.url) as one,
            fresh_database(admin, server.url) as other,
        ):
            assert tables(one) == tables(other) == [("left_behind",)]
        assert databases(admin) == before
        admin.execute("SELECT FROM mine")


def test_a_server_of_ones_own_must_be_named_reached_and_let_its_user_make_databases(
    own_postgres, monkeypatch
):
    monkeypatch.delenv("DUALSTORE_TEST_POSTGRES_DSN", raising=False)
    with pytest.raises(ServerUnavailable, match="Set DUALSTORE_TEST_POSTGRES_DSN"):
        postgres_own.check()
    with own_postgres.connect() as admin:
        admin.execute("CREATE ROLE poor LOGIN PASSWORD 'poor'")
    host, port = own_postgres.address
    poor = f"host={host} port={port} user=poor password=poor dbname=postgres"
    monkeypatch.setenv("DUALSTORE_TEST_POSTGRES_DSN", poor)
    with pytest.raises(ServerUnavailable, match="may not create databases"):
        postgres_own.check()
    own_postgres.stop()
    with pytest.raises(ServerUnavailable, match="DUALSTORE_TEST_POSTGRES_DSN: "):
        postgres_own.check()


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:it%40is@127.0.0.1:1/old?connect_timeout=3",
        "host=127.0.0.1 port=1 user=me password=it@is dbname=old connect_timeout=3",
    ],
)
def test_only_the_database_of_an_address_changes(dsn):
    old, new = conninfo_to_dict(dsn), conninfo_to_dict(with_database(dsn, "new"))
    assert new == {**old, "dbname": "new"}


def databases(connection: psycopg.Connection) -> set[tuple[str]]:
    return set(connection.execute("SELECT datname FROM pg_database").fetchall())

"""The proxies that tests put before a server."""

from __future__ import annotations

import time

import psycopg
import pytest
from servers.proxy import SlowProxy

from langgraph_dualstore.embedded import HOST


@pytest.fixture
def slow(postgres_server, postgres_dsn):
    with psycopg.connect(postgres_dsn) as direct:
        target = direct.info.host, direct.info.port
    with SlowProxy(*target) as proxy:
        yield proxy


@pytest.fixture
def slow_dsn(slow, postgres_dsn) -> str:
    return slow.url_of(postgres_dsn)


def test_what_is_said_goes_both_ways(slow, slow_dsn):
    with psycopg.connect(slow_dsn) as connection:
        assert (connection.info.host, connection.info.port) == slow.address
        assert slow.address[0] == HOST
        row = connection.execute("SELECT %s", ["x" * 1_000_000]).fetchone()
        assert row == ("x" * 1_000_000,)


def test_a_delay_holds_while_it_is_set(slow, slow_dsn):
    with psycopg.connect(slow_dsn, autocommit=True) as connection:
        slow.delay = 1
        started = time.monotonic()
        connection.execute("SELECT 1")
        assert time.monotonic() - started >= 1
        slow.delay = 0
        started = time.monotonic()
        connection.execute("SELECT 1")
        assert time.monotonic() - started < 1


def test_a_cut_breaks_what_is_open_and_nothing_else(slow, slow_dsn):
    with psycopg.connect(slow_dsn) as connection:
        connection.execute("SELECT 1")
        slow.cut()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with psycopg.connect(slow_dsn) as connection:
        connection.execute("SELECT 1")


def test_a_refusal_leaves_what_is_open(slow, slow_dsn):
    with psycopg.connect(slow_dsn) as connection:
        slow.refuse = True
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(slow_dsn)
        connection.execute("SELECT 1")
    slow.refuse = False
    with psycopg.connect(slow_dsn) as connection:
        connection.execute("SELECT 1")


def test_a_server_that_is_away_is_no_answer(own_postgres):
    with SlowProxy(*own_postgres.address) as proxy:
        url = proxy.url_of(own_postgres.url)
        own_postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        own_postgres.start()
        with psycopg.connect(url) as connection:
            connection.execute("SELECT 1")

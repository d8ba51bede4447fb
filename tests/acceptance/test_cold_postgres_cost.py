"""What archiving costs: round trips, statements and rows, and that it is what is new."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import psycopg_pool
import pytest
from cold_archives import archive_of, dialog, entries, opened, query, store

from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.cold.queries import Queries
from langgraph_dualstore.cold.texts import thread_key


@dataclass
class Cost:
    """Messages of PostgreSQL's protocol; `waits` are answers that are waited for."""

    statements: int = 0
    waits: int = 0
    rows: int = 0
    sent: int = 0
    received: int = 0


class Traced:
    """An archive with a single connection, all of whose traffic is counted."""

    def __init__(self, dsn: str) -> None:
        self.pool = psycopg_pool.ConnectionPool(
            dsn,
            min_size=1,
            max_size=1,
            open=True,
            kwargs={"autocommit": True, "prepare_threshold": None},
        )
        self.archive = PostgresArchive(self.pool)
        self.archive.setup()

    @contextmanager
    def counting(self) -> Iterator[Cost]:
        cost = Cost()
        with tempfile.TemporaryFile("w+") as log:
            with self.pool.connection() as connection:
                connection.pgconn.trace(log.fileno())
                connection.pgconn.set_trace_flags(psycopg.pq.Trace.SUPPRESS_TIMESTAMPS)
            try:
                yield cost
            finally:
                with self.pool.connection() as connection:
                    connection.pgconn.untrace()
            log.seek(0)
            asked = False
            for line in log:
                found = re.match(r"([FB])\t(\d+)\t(\w+)", line)
                if not found:  # a statement's text goes on
                    continue
                way, size, kind = found.groups()
                if way == "F":
                    cost.sent += int(size)
                    cost.statements += kind in ("Execute", "Query")
                    asked |= kind in ("Sync", "Flush", "Query")
                else:
                    cost.received += int(size)
                    cost.rows += kind == "DataRow"
                    cost.waits += asked
                    asked = False


@pytest.fixture
def traced(postgres_dsn: str) -> Iterator[Traced]:
    made = Traced(postgres_dsn)
    yield made
    made.pool.close()


def test_a_new_thread_costs_one_query(traced):
    traced.archive.restore("t")
    with traced.counting() as cost:
        assert traced.archive.restore("t") is None
    assert (cost.statements, cost.waits, cost.rows) == (1, 1, 0)


def test_the_tables_are_checked_once(postgres_dsn):
    traced = Traced(postgres_dsn)
    traced.archive = PostgresArchive(traced.pool)
    costs = []
    for _ in range(3):
        with traced.counting() as cost:
            traced.archive.marks(["t"])
        costs.append(cost.statements)
    traced.pool.close()
    assert costs[0] > 1
    assert costs[1:] == [1, 1]


def test_the_query_for_a_thread_uses_an_index(traced, postgres_dsn):
    traced.archive.archive([archive_of(f"t{n}", *dialog(2)) for n in range(500)])
    query(postgres_dsn, "ANALYZE")
    with psycopg.connect(postgres_dsn) as connection:
        explained = b"EXPLAIN " + Queries("public")["restore"]
        plan = str(connection.execute(explained, {"thread_key": thread_key("t7")}).fetchall())
    assert "Seq Scan" not in plan
    assert "prompt_sessions_thread_key_key" in plan


def test_two_messages_are_archived_in_few_round_trips(traced):
    for base in (None, "known"):
        given = {"base": store(traced.archive, "known", *dialog(2))} if base else {}
        thread = archive_of(base or "new", *dialog(2, first=2), **given)
        with traced.counting() as cost:
            assert not traced.archive.archive([thread])
        assert cost.waits == 2, cost
        assert cost.statements <= 9, cost


def test_the_number_of_statements_does_not_grow_with_the_batch(traced):
    archive = traced.archive

    def cost_of(count: int, name: str) -> Cost:
        known = [archive_of(f"known {name}{n}", *dialog(20)) for n in range(count)]
        archive.archive(known)
        batch = [
            archive_of(
                thread.thread_id,
                *dialog(20, first=20),
                base=thread.mark,
                present={"messages": [f"m{n}" for n in range(5, 40)]},
            )
            for thread in known
        ]
        batch += [archive_of(f"new {name}{n}", *dialog(20)) for n in range(count)]
        with traced.counting() as cost:
            assert not archive.archive(batch)
        return cost

    few, many = cost_of(4, "a"), cost_of(60, "b")
    assert many.statements == few.statements <= 16


def test_two_messages_on_a_long_thread_cost_what_they_cost_on_a_short_one(traced, postgres_dsn):
    archive = traced.archive
    costs = []
    for length in (10, 1000):
        name = f"thread of {length}"
        store(archive, name, *dialog(length))
        store(archive, name, *dialog(2, first=5000), whole_log=False)
        thread = archive_of(
            name,
            *dialog(2, first=6000),
            base=archive.marks([name])[name].value,
            whole_log=False,
            entries=entries(log=((3, b"more"),)),
        )
        with traced.counting() as cost:
            assert not archive.archive([thread])
        costs.append(cost)
    short, long = costs
    assert long.rows == short.rows
    assert long.statements == short.statements
    assert long.sent < short.sent + 50
    assert long.received < short.received + 50


def test_two_messages_on_a_long_thread_touch_no_others(postgres_dsn):
    with opened(postgres_dsn) as archive:
        store(archive, "long", *dialog(1000))
        archive.archive([archive_of(f"t{n}", *dialog(20)) for n in range(100)])
    query(postgres_dsn, "ANALYZE")
    touched = "SELECT coalesce(seq_tup_read, 0) + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'prompt_messages'"
    time.sleep(0.5)  # a connection's counts arrive a little after it has ended
    before = query(postgres_dsn, touched)[0][0]
    archive = PostgresArchive(postgres_dsn)
    store(archive, "long", *dialog(2, first=1000))
    archive.close()
    time.sleep(0.5)
    assert query(postgres_dsn, touched)[0][0] - before < 20


def test_a_list_of_what_is_present_costs_little_on_a_long_thread(traced):
    archive = traced.archive
    store(archive, "t", *dialog(1000))
    left = [f"m{n}" for n in range(1, 1002)]
    thread = archive_of(
        "t",
        *dialog(2, first=1000),
        base=archive.marks(["t"])["t"].value,
        present={"messages": left},
    )
    with traced.counting() as cost:
        assert not archive.archive([thread])
    assert cost.sent < 10_000  # not a thousand keys
    assert cost.rows < 1010

"""A message comes back from a real `jsonb` column, whatever it carries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from message_strategies import anything, chunks, messages

from langgraph_dualstore.archive import MessageRow
from langgraph_dualstore.cold import jsonable
from langgraph_dualstore.cold.messages import (
    STRICT,
    MessageColumns,
    from_sql,
    to_message,
    to_row,
    to_sql,
)

AT = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
TYPES = ("text", "text", "text", "text", "integer", "bigint", "timestamptz", "jsonb")
COLUMNS = ", ".join(
    f"{name} {type_}" for name, type_ in zip(MessageColumns._fields, TYPES, strict=True)
)
Connection = psycopg.Connection[Any]
on_one_table = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def table(postgres_dsn: str) -> Iterator[Connection]:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TEMPORARY TABLE rows ({COLUMNS})")
        yield connection


def through(table: Connection, columns: MessageColumns, *, binary: bool = False) -> MessageColumns:
    values = ", ".join(f"%s::{type_}" for type_ in TYPES)
    table.execute("TRUNCATE rows")
    table.execute(f"INSERT INTO rows VALUES ({values})", columns)
    found = table.execute("SELECT * FROM rows", binary=binary).fetchone()
    return MessageColumns(*found)


@on_one_table
@given(
    message=st.one_of(messages, chunks).filter(lambda m: not isinstance(m, RemoveMessage)),
    name=st.text(max_size=9),
    binary=st.booleans(),
)
def test_a_row_comes_back_from_its_columns(table, message, name, binary):
    row = to_row(message, channel=name, key=name, created_at=AT)
    stored = from_sql(through(table, to_sql(row), binary=binary))
    assert stored == row
    assert spelled(stored) == spelled(row)  # 1 is not True, 0.0 is not -0.0


def spelled(row: MessageRow) -> str:
    return json.dumps(dict(row.meta), sort_keys=True)


@on_one_table
@given(value=st.one_of(anything, st.floats(), st.integers(), st.decimals(allow_nan=False)))
def test_a_value_comes_back_from_jsonb(table, value):
    encoded = {"value": jsonable.encode(value, STRICT)}
    text = jsonable.dumps(encoded, STRICT)
    found = table.execute("SELECT %s::jsonb", [text]).fetchone()[0]
    assert found == encoded
    assert [type(found["value"])] == [type(encoded["value"])]


@pytest.mark.parametrize(
    "timestamp", ["0002-01-01", "9998-12-31T23:59:59.999999Z", 1e11 - 1, -1e10]
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_times_that_a_row_may_have_can_be_read_in_every_zone(table, timestamp, zone):
    table.execute("SELECT set_config('TimeZone', %s, false)", [zone])
    row = to_row(HumanMessage("a", timestamp=timestamp), channel="c", key="k", created_at=AT)
    assert from_sql(through(table, to_sql(row))) == row


def test_a_huge_message(table):
    text = "é\0👋 " * 1_000_000
    message = AIMessage(text, id="1", own=[text], turn=2**31 - 1)
    row = to_row(message, channel="c", key="k", created_at=AT)
    assert to_message(from_sql(through(table, to_sql(row)))) == message


def test_what_meta_holds_can_be_queried(table):
    calls = [{"name": "find", "args": {"city": "Paris"}, "id": "c1", "type": "tool_call"}]
    message = AIMessage("a", id="1", tool_calls=calls, exam=7)
    through(table, to_sql(to_row(message, channel="c", key="k", created_at=AT)))
    assert table.execute(
        """
        SELECT meta->>'original_type', meta->'tool_calls'->0->'args'->>'city'
        FROM rows WHERE (meta->>'exam')::int = 7
        """
    ).fetchone() == ("ai", "Paris")

"""The saver on a Redis, and the archive on a PostgreSQL, that testcontainers start."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import pytest
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of
from servers import container, postgres_container
from servers.postgres import PostgresServer
from servers.server import Server

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def redis_container() -> Iterator[Server]:
    with container.serve() as server:
        yield server


@pytest.fixture(scope="module")
def postgres_in_container() -> Iterator[PostgresServer]:
    with postgres_container.serve() as server:
        yield server


def test_the_container_holds_what_a_saver_put(redis_container):
    from langgraph_dualstore import DualStoreSaver  # noqa: PLC0415 # Needed here only.

    checkpoint = checkpoint_of(checkpoint_id(1), {"topic": "tea"}, {"topic": 1})
    metadata = {"source": "loop", "step": 1}
    with DualStoreSaver.from_conn_string(redis_container.url) as saver:
        config = saver.put(config_of(), checkpoint, metadata, {"topic": 1})
        saver.put_writes(config, [("topic", "coffee")], "task")

    with DualStoreSaver.from_conn_string(redis_container.url) as another:
        found = another.get_tuple(config_of())
    assert found
    assert found.checkpoint["channel_values"] == {"topic": "tea"}
    assert found.pending_writes == [("task", "topic", "coffee")]


def test_the_container_takes_the_archives_tables(postgres_in_container):
    from langgraph_dualstore.cold import PostgresArchive  # noqa: PLC0415 # The same.

    with psycopg.connect(postgres_in_container.url) as connection:
        row = connection.execute("SELECT version()").fetchone()
    assert row
    assert row[0].startswith("PostgreSQL ")
    with contextlib.closing(PostgresArchive(postgres_in_container.url)) as archive:
        assert archive.setup()
        assert archive.setup() == []

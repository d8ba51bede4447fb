"""The saver on a Redis that testcontainers starts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of
from servers import container
from servers.server import Server

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def redis_container() -> Iterator[Server]:
    with container.serve() as server:
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

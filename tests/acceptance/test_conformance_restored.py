"""LangGraph's conformance suite, with every thread gone from Redis and back between any two calls."""

import pytest
from encryption import encrypting
from expiring_saver import ExpiringSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import ALL_CAPABILITIES
from memory_archive import MemoryArchive

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.cold.postgres import PostgresArchive


@pytest.mark.parametrize(
    ("kind", "serde"), [("memory", None), ("postgres", None), ("postgres", encrypting())]
)
async def test_restored_threads_conform_in_every_capability(
    redis_url, redis_client, postgres_dsn, kind, serde
):
    archive = MemoryArchive()
    if kind == "postgres":
        archive = PostgresArchive(postgres_dsn)
        archive.setup()

    @checkpointer_test(name="DualStoreSaver")
    async def factory():
        redis_client.flushdb()
        async with DualStoreSaver.from_conn_string(
            redis_url, archive=archive, archive_history="all", run_archiver=False, serde=serde
        ) as saver:
            yield ExpiringSaver(saver, redis_client)

    report = await validate(factory)
    archive.close()
    assert {name for name, result in report.results.items() if result.detected} == {
        capability.value for capability in ALL_CAPABILITIES
    }
    assert {name: result.failures for name, result in report.results.items()} == {
        capability.value: [] for capability in ALL_CAPABILITIES
    }

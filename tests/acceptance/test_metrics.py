"""What a saver tells Prometheus."""

from __future__ import annotations

from graph_runner import thread
from graphs import chat_graph, says
from memory_archive import MemoryArchive
from prometheus_client import CollectorRegistry, generate_latest
from servers.process import free_port

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.metrics import SaverCollector


def values(registry):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_every_counter_and_the_queue_are_told(redis_url):
    with DualStoreSaver.from_conn_string(
        redis_url, archive=MemoryArchive(), run_archiver=False
    ) as saver:
        registry = CollectorRegistry(auto_describe=True)
        registry.register(SaverCollector(saver))
        chat_graph(saver).invoke(says("hello"), thread("1"))
        told = values(registry)
        counters = saver.counters
        for name in type(counters).__dataclass_fields__:
            if name not in ("round_trips", "bytes_sent"):  # to which asking adds
                total = told[f"langgraph_dualstore_{name}_total",]
                assert total == getattr(counters, name), name
        assert told["langgraph_dualstore_puts_total",] == 3
        assert told["langgraph_dualstore_threads", "queued"] == 1
        assert told["langgraph_dualstore_threads", "leased"] == 0
        assert told["langgraph_dualstore_archive_lag_seconds",] == 0
        assert told["langgraph_dualstore_hot_up",] == 1
        assert b"# HELP langgraph_dualstore_puts_total Checkpoints stored." in generate_latest(
            registry
        )


def test_a_redis_that_is_away_is_told():
    with DualStoreSaver.from_conn_string(f"redis://127.0.0.1:{free_port()}") as saver:
        registry = CollectorRegistry()
        registry.register(SaverCollector(saver))
        told = values(registry)
        assert told["langgraph_dualstore_hot_up",] == 0
        assert ("langgraph_dualstore_threads", "queued") not in told
        assert told["langgraph_dualstore_puts_total",] == 0

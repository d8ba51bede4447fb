"""The server forgets its scripts between any two calls."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from async_twins import AsyncTwins, opened
from conversations import messages, talk
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of, values_at
from whole_api import use_everything

from langgraph_dualstore import DualStoreSaver


@pytest.fixture
def flushing(redis_url):
    """Forgets them all the time, until it is told to stop."""
    stopped = threading.Event()

    def flush():
        with redis.Redis.from_url(redis_url) as client:
            while not stopped.is_set():
                client.script_flush()

    thread = threading.Thread(target=flush, daemon=True)
    thread.start()
    yield
    stopped.set()
    thread.join(10)


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_every_call_works_all_the_same(redis_url, flushing, methods):
    with opened(redis_url, methods) as saver:
        for _ in range(3):
            use_everything(saver, threads=2)


def test_every_call_of_a_given_client_does_too(redis_url, flushing):
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        use_everything(DualStoreSaver(client), threads=2)


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_on_a_cluster_too(redis_cluster, methods):
    with redis.RedisCluster.from_url(redis_cluster.url) as client:
        saver = DualStoreSaver(client)
        api = saver if methods == "sync" else AsyncTwins(saver)
        for n in range(1, 10):
            flush_scripts(redis_cluster)
            talk(api, 1, start=n, thread_id=f"thread {n}")
            flush_scripts(redis_cluster)
            assert values_at(api, config_of(f"thread {n}"))["count"] == n


def flush_scripts(cluster):
    for node in cluster.nodes:
        with node.client() as client:
            client.script_flush()


async def test_many_tasks_at_once_work_all_the_same(redis_url, flushing):
    """Some replies of a shared round trip are refusals."""
    async with DualStoreSaver.from_conn_string(redis_url) as saver:

        async def converse(name):
            for n in range(1, 6):
                checkpoint = checkpoint_of(checkpoint_id(n), {"a": [name] * n}, {"a": n})
                config = await saver.aput(config_of(name), checkpoint, {}, {"a": n})
                await saver.aput_writes(config, [("a", name)], "task")
                found = await saver.aget_tuple(config)
                assert found.checkpoint["channel_values"] == {"a": [name] * n}
                assert found.pending_writes == [("task", "a", name)]

        await asyncio.gather(*(converse(f"thread {n}") for n in range(50)))


def test_many_os_threads_at_once_work_all_the_same(redis_url, flushing):
    with DualStoreSaver.from_conn_string(redis_url) as saver, ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: talk(saver, 5, thread_id=f"thread {n}"), range(20)))
        for n in range(20):
            assert values_at(saver, config_of(f"thread {n}"))["messages"] == messages(5)

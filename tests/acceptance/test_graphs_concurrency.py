"""Fifty conversations at once on one saver, with the settings it comes with."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from graph_runner import thread
from graphs import chat_graph, says
from raw_checkpoints import config_of, put, writes_at

TURNS = 3


def expected(name):
    return [f"{name}-{turn}" for turn in range(TURNS)]


def user_texts(result):
    return [message.text for message in result["messages"][::2]]


async def test_fifty_asyncio_threads_share_a_saver(saver, durability):
    graph = chat_graph(saver)

    async def chat(name):
        for turn in range(TURNS):
            result = await graph.ainvoke(
                says(f"{name}-{turn}"), thread(name), durability=durability
            )
        return user_texts(result)

    names = [f"thread-{n}" for n in range(50)]
    assert await asyncio.gather(*map(chat, names)) == list(map(expected, names))


def test_fifty_os_threads_share_a_saver(saver, durability):
    graph = chat_graph(saver)

    def chat(name):
        for turn in range(TURNS):
            result = graph.invoke(says(f"{name}-{turn}"), thread(name), durability=durability)
        return user_texts(result)

    names = [f"thread-{n}" for n in range(50)]
    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(chat, names)) == list(map(expected, names))


async def test_async_and_os_threads_use_a_saver_at_once(saver):
    graph = chat_graph(saver)

    async def chat(name):
        for turn in range(TURNS):
            if int(name) % 2:
                result = await graph.ainvoke(says(f"{name}-{turn}"), thread(name))
            else:
                result = await asyncio.to_thread(graph.invoke, says(f"{name}-{turn}"), thread(name))
        return user_texts(result)

    names = [str(n) for n in range(50)]
    assert await asyncio.gather(*map(chat, names)) == list(map(expected, names))


async def test_two_hundred_reads_and_writes_at_once_open_no_flood_of_connections(
    saver, redis_client
):
    config = put(saver, 1, {"a": 1})
    before = len(redis_client.client_list())

    async def write_and_read(n):
        await saver.aput_writes(config, [("a", n)], f"task-{n:03}")
        return await saver.aget_tuple(config_of())

    found = await asyncio.gather(*map(write_and_read, range(200)))
    assert all(found)
    assert len(writes_at(saver, config)) == 200
    assert len(redis_client.client_list()) - before <= 80


@pytest.mark.parametrize("workers", [8, 50])
def test_tasks_of_one_step_write_from_many_threads(saver, workers):
    config = put(saver, 1, {"a": 1})

    def write(n):
        saver.put_writes(config, [("a", n), ("b", [n])], f"task-{n:03}", f"path-{n:03}")

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(write, range(100)))
    assert writes_at(saver, config) == [
        write
        for n in range(100)
        for write in ((f"task-{n:03}", "a", n), (f"task-{n:03}", "b", [n]))
    ]

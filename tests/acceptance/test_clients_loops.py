"""One saver on event loops as they come and go, with few connections and many tasks."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis.asyncio
from conversations import message, messages, talk
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of, values_at, writes_at

from langgraph_dualstore import DualStoreSaver


async def converse(saver, name, steps=3):
    """A conversation by the async methods."""
    config = config_of(name)
    for n in range(1, steps + 1):
        values = {"messages": [message(k, f"{name}: {k}") for k in range(1, n + 1)]}
        checkpoint = checkpoint_of(checkpoint_id(n), values, {"messages": n})
        config = await saver.aput(config, checkpoint, {"step": n}, {"messages": n})
        await saver.aput_writes(config, [("messages", name)], f"task-{n}")
        found = await saver.aget_tuple(config_of(name))
        assert found.config == config
        texts = [item.text for item in found.checkpoint["channel_values"]["messages"]]
        assert texts == [f"{name}: {k}" for k in range(1, n + 1)]
    return name


def client_of(url, kind):
    if kind == "URL":
        return DualStoreSaver.from_conn_string(url)
    return DualStoreSaver(redis.asyncio.Redis.from_url(url), redis.Redis.from_url(url))


@pytest.fixture(params=["URL", "clients"])
def saver(request, redis_url):
    """Made where no loop runs."""
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    with client_of(redis_url, request.param) as saver:
        yield saver


def test_loops_in_turn(saver):
    for number in range(4):
        asyncio.run(converse(saver, f"loop {number}"))
        talk(saver, 2, thread_id=f"between {number}")
    assert len(list(saver.list(None))) == 4 * 3 + 4 * 2


def test_loops_at_once_in_threads(saver):
    async def several(number):
        names = [f"loop {number} task {task}" for task in range(10)]
        return await asyncio.gather(*(converse(saver, name) for name in names))

    start = threading.Barrier(4)

    def run(number):
        start.wait()
        return asyncio.run(several(number))

    with ThreadPoolExecutor(4) as pool:
        assert len({name for names in pool.map(run, range(4)) for name in names}) == 40
    assert len(list(saver.list(None))) == 120


def test_a_loop_goes_on_while_others_come_and_go(saver):
    async def scenario():
        await converse(saver, "first")
        for number in range(3):
            await asyncio.to_thread(asyncio.run, converse(saver, f"inner {number}"))
            await converse(saver, f"outer {number}")
        await saver.aclose()

    asyncio.run(scenario())
    assert len(list(saver.list(None))) == 7 * 3


def test_the_sync_methods_work_where_a_loop_runs(saver):
    """As in a notebook: they block the loop, and never wait for it."""

    async def scenario():
        busy = asyncio.gather(*(converse(saver, f"task {n}") for n in range(5)))
        talk(saver, 3, thread_id="sync")
        await asyncio.sleep(0)
        assert values_at(saver, config_of("sync"))["messages"] == messages(3)
        await asyncio.to_thread(talk, saver, 2, thread_id="in a thread")
        await busy
        assert len(list(saver.list(None))) == 5 * 3 + 3 + 2

    asyncio.run(scenario())


@pytest.mark.parametrize("max_connections", [1, 2, 3])
def test_two_hundred_tasks_share_few_connections(redis_url, redis_client, max_connections):
    others = len(redis_client.client_list())

    async def scenario():
        options = {"max_connections": max_connections, "timeout": timedelta(seconds=5)}
        async with DualStoreSaver.from_conn_string(redis_url, **options) as saver:
            names = [f"task {n}" for n in range(200)]
            await asyncio.gather(*(converse(saver, name, 2) for name in names))
            assert len(redis_client.client_list()) - others <= max_connections
            # This looks for threads as well, on whatever connection is left.
            found = [item.config async for item in saver.alist(None)]
            assert len(found) == 400
            await saver.adelete_for_runs(["none"])

    asyncio.run(scenario())


@pytest.mark.parametrize("max_connections", [1, 2, 3])
def test_twenty_os_threads_share_few_connections(redis_url, redis_client, max_connections):
    others = len(redis_client.client_list())
    options = {"max_connections": max_connections, "timeout": timedelta(seconds=5)}
    with DualStoreSaver.from_conn_string(redis_url, **options) as saver:
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda n: talk(saver, 3, thread_id=f"thread {n}"), range(40)))
        assert len(redis_client.client_list()) - others <= max_connections
        assert len(list(saver.list(None))) == 120
        saver.delete_for_runs(["none"])


@pytest.mark.parametrize("max_connections", [1, 8])
def test_cancelled_tasks_leave_the_others_unharmed(redis_url, max_connections):
    """Each other task gets its own reply, and what was put is whole."""
    chance = random.Random(7)

    async def scenario():
        async with DualStoreSaver.from_conn_string(
            redis_url, max_connections=max_connections
        ) as saver:
            for turn in range(5):
                names = [f"turn {turn} task {n}" for n in range(60)]
                tasks = {name: asyncio.create_task(converse(saver, name, 4)) for name in names}
                cancelled = set(chance.sample(names, 30))
                for name in sorted(cancelled, key=lambda _: chance.random()):
                    await asyncio.sleep(chance.choice([0, 0, 0.0005, 0.001]))
                    tasks[name].cancel()
                results = await asyncio.gather(*tasks.values(), return_exceptions=True)
                for name, result in zip(names, results, strict=True):
                    if name in cancelled:
                        assert result == name or isinstance(result, asyncio.CancelledError)
                    else:
                        assert result == name
                assert await converse(saver, f"after turn {turn}")

    asyncio.run(scenario())
    with DualStoreSaver.from_conn_string(redis_url) as fresh:
        for found in fresh.list(None):
            name = found.config["configurable"]["thread_id"]
            texts = [item.text for item in found.checkpoint["channel_values"]["messages"]]
            assert texts == [f"{name}: {k}" for k in range(1, len(texts) + 1)]


def test_a_timeout_around_a_call_leaves_the_saver_usable(own_server):
    async def scenario():
        async with DualStoreSaver.from_conn_string(own_server.url) as saver:
            await converse(saver, "before")
            own_server.suspend()
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await converse(saver, "during")
            own_server.resume()
            await converse(saver, "after")
            await asyncio.gather(*(converse(saver, f"after {n}") for n in range(20)))
            await converse(saver, "during")

    asyncio.run(scenario())


def test_a_loop_that_ends_in_the_middle_leaves_the_saver_usable(saver):
    async def abandoned():
        for n in range(20):
            asyncio.ensure_future(converse(saver, f"abandoned {n}"))  # noqa: RUF006
        await asyncio.sleep(0.005)

    asyncio.run(abandoned())
    asyncio.run(converse(saver, "after"))
    talk(saver, 2, thread_id="sync")
    for found in saver.list(None):
        assert found.checkpoint["channel_values"]["messages"]


async def test_writes_of_many_tasks_at_once_are_all_there(redis_url):
    async with DualStoreSaver.from_conn_string(redis_url) as saver:
        await converse(saver, "thread", 1)
        config = config_of(id=checkpoint_id(1))
        await asyncio.gather(
            *(saver.aput_writes(config, [("a", n)], f"task {n:03}") for n in range(200))
        )
        found = writes_at(saver, config)
        assert found == [
            *((f"task {n:03}", "a", n) for n in range(200)),
            ("task-1", "messages", "thread"),
        ]

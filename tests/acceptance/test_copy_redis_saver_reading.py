"""All threads of a `RedisSaver` are found, each with all that is its own, and nothing is changed."""

import datetime as dt
import decimal
import enum
import uuid
from functools import partial

import pytest
import redis
from copy_sources import OFFICIAL, Booking, opened_official
from graph_runner import Runner, thread
from graphs import chat_graph, says
from raw_checkpoints import checkpoint_id, config_of, put, writes_at

from langgraph_dualstore.copying import copy_threads, redis_saver
from langgraph_dualstore.copying.sources import (
    afind_thread_ids,
    aread_thread,
    find_thread_ids,
    read_thread,
)

pytestmark = pytest.mark.redis_saver

IDS = sorted(
    [
        "A", "a", "a,b", "b", " a", "a ", "a:b", "a:b:c", "a*", "a?", "[a]", "a\\b", "a|b", "a`b",
        "a b", "a\tb", "a\nb", "{a}", "$a", "a-b@c.d", "é", "你好", "😀", "__empty__", "None",
    ]
)  # fmt: skip


@pytest.fixture
def client(redis_stack_url):
    with redis.Redis.from_url(redis_stack_url) as client:
        yield client


@pytest.fixture
async def source(redis_stack_url):
    async with opened_official("redis", redis_stack_url) as source:
        yield source


async def found(source):
    if type(source).__name__.startswith("Async"):
        return [thread_id async for thread_id in afind_thread_ids(source)]
    return list(find_thread_ids(source))


async def read(source, thread_id):
    if type(source).__name__.startswith("Async"):
        return (await aread_thread(source, thread_id)).found
    return read_thread(source, thread_id).found


def stored(client):
    return {key: (client.dump(key), client.pttl(key) > 0) for key in client.keys("*")}


@pytest.mark.parametrize("kind", OFFICIAL)
async def test_threads_are_told_apart_whatever_their_ids(kind, redis_stack_url, client):
    runner = Runner("async" if kind.startswith("async") else "sync", "sync")
    async with opened_official(kind, redis_stack_url) as source:
        for thread_id in IDS:
            await runner.invoke(chat_graph(source), says(thread_id), thread(thread_id))
        before = stored(client)
        assert await found(source) == IDS
        for thread_id in IDS:
            items = await read(source, thread_id)
            assert len(items) == (1 if "shallow" in kind else 3)
            newest = max(items, key=lambda item: item.checkpoint["id"])
            assert newest.checkpoint["channel_values"]["messages"][0].text == thread_id
            assert {item.config["configurable"]["thread_id"] for item in items} == {thread_id}
        assert await read(source, "other") == []
    assert stored(client) == before


async def test_more_checkpoints_than_the_saver_lists(source, client):
    """Of all threads together more than 10,000, and of one more than the index is asked for."""
    put(source, 1, {"n": 1}, thread_id="first")
    (key,) = client.keys("checkpoint:*")
    document = client.json().get(key)
    with client.pipeline(transaction=False) as pipeline:
        for n in range(10_000):
            pipeline.json().set(
                f"checkpoint:{n}:__empty__:{checkpoint_id(1)}",
                "$",
                {**document, "thread_id": str(n)},
            )
        pipeline.execute()
    assert len(list(source.list(None))) == 10_000
    assert len(list(find_thread_ids(source))) == 10_001


async def test_more_checkpoints_of_one_thread_than_the_index_gives(source, saver, monkeypatch):
    monkeypatch.setattr(redis_saver, "_INDEX_GIVES", 5)
    monkeypatch.setattr(redis_saver, "_BATCH", 3)
    parent = None
    for n in range(1, 21):
        parent = put(source, n, {"n": n}, parent=parent)
    put(source, 1, {"n": 0}, thread_id="thread:of another")
    (copy,) = copy_threads(source, saver, ["thread"])
    assert (copy.outcome, copy.checkpoints) == ("copied", 20)
    assert [item.checkpoint["channel_values"]["n"] for item in saver.list(config_of())] == [
        *range(20, 0, -1)
    ]


async def test_writes_that_came_before_their_checkpoint(source, saver):
    """LangGraph stores both at once; the saver then forgets that there are writes."""
    config = config_of(id=checkpoint_id(1))
    source.put_writes(config, [("n", 1), ("__interrupt__", "?")], "task", "~path")
    put(source, 1, {"n": 1})
    assert source.get_tuple(config).pending_writes == []
    assert [copy.outcome for copy in copy_threads(source, saver)] == ["copied"]
    assert writes_at(saver, config) == [("task", "__interrupt__", "?"), ("task", "n", 1)]


async def test_writes_without_a_checkpoint_are_no_thread(source):
    source.put_writes(config_of(id=checkpoint_id(1)), [("n", 1)], "task")
    assert list(find_thread_ids(source)) == []
    assert read_thread(source, "thread").found == []


async def test_writes_come_task_by_task(source, saver):
    config = put(source, 1, {"n": 1})
    for task, path in (("c", "1"), ("b", "2"), ("a", "3")):
        source.put_writes(config, [("x", f"{task}x"), ("y", f"{task}y")], task, path)
    assert [copy.outcome for copy in copy_threads(source, saver)] == ["copied"]
    assert [write[2] for write in writes_at(saver, config)] == ["cx", "cy", "bx", "by", "ax", "ay"]


async def test_a_saver_that_was_not_set_up(source, redis_stack_url):
    chat_graph(source).invoke(says("a"), thread())
    with type(source).from_conn_string(redis_stack_url) as other:
        assert len(read_thread(other, "thread").found) == 3


@pytest.mark.parametrize("kind", ["redis", "async-redis"])
async def test_what_expires_is_copied_before_and_not_after(kind, redis_stack_url, client, saver):
    runner = Runner("async" if kind.startswith("async") else "sync", "sync")
    async with opened_official(kind, redis_stack_url, ttl={"default_ttl": 5}) as source:
        for name in ("1", "2"):
            await runner.invoke(chat_graph(source), says("a"), thread(name))
        oldest, *_ = sorted(client.keys("checkpoint:1:*"))
        client.delete(oldest)
        client.delete(*client.keys("checkpoint:2:*"))
        before = stored(client)
        assert await found(source) == ["1"]
        items = await read(source, "1")
        assert stored(client) == before
        assert len(items) == 2
    assert all(0 < client.pttl(key) <= 300_000 for key in client.keys("*"))


async def test_a_shallow_saver_that_goes_on_while_it_is_read(redis_stack_url, saver, monkeypatch):
    async with opened_official("shallow", redis_stack_url) as source:
        config = put(source, 1, {"n": 1})
        source.put_writes(config, [("n", 1)], "first")
        get_tuple = source.get_tuple

        def late(config):
            source.put_writes(put(source, 2, {"n": 2}), [("n", 2)], "second")
            return get_tuple(config)

        monkeypatch.setattr(source, "get_tuple", late)
        assert [copy.outcome for copy in copy_threads(source, saver)] == ["copied"]
    (item,) = saver.list(config_of("thread", None))
    assert item.checkpoint["channel_values"] == {"n": 2}
    assert item.pending_writes == [("second", "n", 2)]


async def test_a_saver_with_prefixes_of_its_own(redis_stack_url):
    options = {"checkpoint_prefix": "my[app]*", "checkpoint_write_prefix": "my writes"}
    for name, given in (("theirs", {}), ("mine", options)):
        async with opened_official("redis", redis_stack_url, **given) as source:
            chat_graph(source).invoke(says(name), thread(name))
            assert list(find_thread_ids(source)) == [name]
            assert len(read_thread(source, name).found) == 3


async def test_the_sync_functions_do_not_take_an_async_saver(redis_stack_url):
    async with opened_official("async-redis", redis_stack_url) as source:
        with pytest.raises(TypeError, match="asked as a sync one"):
            redis_saver.at_once(redis_saver.read(source, "thread"))


class Color(enum.Enum):
    RED = "red"


CHANGED = {
    "tuple": ((1, 2), [1, 2]),
    "numbers as keys": ({1: "a"}, {"1": "a"}),
    "datetime": (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), "2026-01-02T03:04:00+00:00"),
    "timedelta": (dt.timedelta(seconds=3), dt.timedelta(0)),
    "uuid": (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    "decimal": (decimal.Decimal("1.5"), decimal.Decimal(0)),
    "enum": (Color.RED, "red"),
    "frozenset": (frozenset({1}), frozenset()),
    "not a number": (float("nan"), None),
    "infinity": (float("inf"), None),
    "model": (
        Booking(number=1),
        {
            "lc": 2,
            "type": "constructor",
            "id": ["copy_sources", "Booking"],
            "kwargs": {"number": 1},
        },
    ),
}
KEPT = {
    "text": "a\0b",
    "nothing": None,
    "empty": "",
    "bytes": b"\x00\xff",
    "nested bytes": {"a": [b"\x00\xff"]},
    "set": {1, 2},
    "float": 1.0,
    "large": 2**64 - 1,
}


async def test_what_the_saver_gives_is_what_is_copied(source, saver):
    """What docs/migration.md says that it changes; it is so when it is read by its own graph."""
    given = {name: value for name, (value, _) in CHANGED.items()} | KEPT
    for name, value in given.items():
        put(source, 1, {"x": value}, thread_id=name, metadata={"note": "a\0b"})
    assert {copy.outcome for copy in copy_threads(source, saver)} == {"copied"}
    expected = {name: value for name, (_, value) in CHANGED.items()} | KEPT
    for get in (partial(source.get_tuple), saver.get_tuple):
        items = {name: get(config_of(name)) for name in given}
        values = {name: item.checkpoint["channel_values"]["x"] for name, item in items.items()}
        assert values == expected
        assert {item.metadata["note"] for item in items.values()} == {"ab"}

"""Clients that a saver is given: it uses them as they are and leaves them open."""

import asyncio
import contextlib

import pytest
import redis
import redis.asyncio
from async_twins import AsyncTwins
from conversations import talk
from raw_checkpoints import config_of, values_at
from whole_api import use_everything

from langgraph_dualstore import ConfigurationError, DualStoreSaver

OPTIONS = {
    "as they come": {},
    "decoding": {"decode_responses": True},
    "decoding latin-1": {"decode_responses": True, "encoding": "latin-1"},
    "RESP2": {"protocol": 2},
    "RESP3": {"protocol": 3},
    "RESP3, decoding": {"protocol": 3, "decode_responses": True},
    "one connection": {"max_connections": 1},
    "with a name": {"client_name": "mine", "health_check_interval": 1},
}


@pytest.fixture(params=OPTIONS)
def options(request):
    return OPTIONS[request.param]


@pytest.fixture
def sync_client(redis_url, options):
    with redis.Redis.from_url(redis_url, **options) as client:
        yield client


@pytest.fixture
def twins():
    """Makes `AsyncTwins` of savers, which share one loop."""
    made = []

    def make(saver):
        twins = AsyncTwins(saver)
        made.append(twins)
        return twins

    yield make
    for one in made:
        one.close()


def test_a_blocking_client_serves_both_apis(sync_client, twins):
    saver = DualStoreSaver(sync_client)
    use_everything(saver)
    use_everything(twins(saver))
    assert sync_client.ping()


def test_an_asyncio_client_serves_the_async_api(redis_url, options, twins):
    client = redis.asyncio.Redis.from_url(redis_url, **options)
    api = twins(DualStoreSaver(client))
    use_everything(api)
    assert api.loop.run(client.ping())
    api.loop.run(client.aclose())


@pytest.mark.parametrize("order", [1, -1], ids=["blocking first", "asyncio first"])
def test_one_of_each_serves_both(redis_url, sync_client, options, twins, order):
    client = redis.asyncio.Redis.from_url(redis_url, **options)
    saver = DualStoreSaver(*[sync_client, client][::order])
    api = twins(saver)
    use_everything(saver)
    use_everything(api)
    api.loop.run(client.aclose())


def test_each_api_uses_its_own_client(redis_url, redis_client, twins):
    names = lambda: {item["name"] for item in redis_client.client_list() if item["name"]}  # noqa: E731
    with redis.Redis.from_url(redis_url, client_name="blocking") as blocking:
        asynchronous = redis.asyncio.Redis.from_url(redis_url, client_name="asyncio")
        saver = DualStoreSaver(asynchronous, blocking)
        talk(saver, 1)
        assert names() == {"blocking"}
        api = twins(saver)
        talk(api, 1)
        assert names() == {"blocking", "asyncio"}
        api.loop.run(asynchronous.aclose())


@pytest.mark.parametrize("closing", ["close", "with", "aclose", "async with"])
def test_given_clients_stay_open(redis_url, closing):
    """Not reconnected: the server knows the connections by the ids they had."""

    async def scenario():
        blocking = redis.Redis.from_url(redis_url, max_connections=1)
        asynchronous = redis.asyncio.Redis.from_url(redis_url, max_connections=1)
        ids = blocking.client_id(), await asynchronous.client_id()
        for _ in range(2):
            saver = DualStoreSaver(blocking, asynchronous)
            assert saver.get_tuple(config_of()) is None
            assert await saver.aget_tuple(config_of()) is None
            if closing == "close":
                saver.close()
            elif closing == "aclose":
                await saver.aclose()
            elif closing == "with":
                with saver:
                    pass
            else:
                async with saver:
                    pass
            assert (blocking.client_id(), await asynchronous.client_id()) == ids
        blocking.close()
        await asynchronous.aclose()

    asyncio.run(scenario())


def test_the_clients_decoding_does_not_change(redis_url):
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        talk(DualStoreSaver(client), 1)
        assert client.hget("langgraph:state:{thread}:head", "rev") == "2"
        assert client.set("mine", "é")
        assert client.get("mine") == "é"


def test_two_savers_of_differing_clients_share_a_thread(redis_url):
    with (
        redis.Redis.from_url(redis_url) as one,
        redis.Redis.from_url(redis_url, decode_responses=True, protocol=3) as other,
    ):
        last = talk(DualStoreSaver(one), 3)
        assert values_at(DualStoreSaver(other), last) == values_at(DualStoreSaver(one), last)


def test_without_a_blocking_client_the_sync_api_says_what_is_missing(redis_url):
    saver = DualStoreSaver(redis.asyncio.Redis.from_url(redis_url))
    calls = [
        lambda: saver.get_tuple(config_of()),
        lambda: list(saver.list(None)),
        lambda: talk(saver, 1),
        lambda: saver.put_writes(config_of(id="1"), [("a", 1)], "task"),
        lambda: saver.delete_thread("thread"),
        lambda: saver.prune(["thread"]),
        lambda: saver.pin("thread"),
    ]
    for call in calls:
        with pytest.raises(ConfigurationError, match=r"redis\.Redis client"):
            call()
    saver.close()


GARBAGE = {
    "nothing": lambda: (),
    "None": lambda: (None,),
    "a URL": lambda: ("redis://user:s3cret@localhost",),
    "an object": lambda: (object(),),
    "a pool": lambda: (redis.ConnectionPool(password="s3cret"),),
    "a class": lambda: (redis.Redis,),
    "two blocking": lambda: (redis.Redis(password="s3cret"), redis.Redis()),
    "two asyncio": lambda: (redis.asyncio.Redis(password="s3cret"), redis.asyncio.Redis()),
    "three": lambda: (redis.Redis(), redis.asyncio.Redis(password="s3cret"), redis.Redis()),
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_what_is_no_client_is_refused(garbage):
    with pytest.raises(ConfigurationError) as caught:
        DualStoreSaver(*GARBAGE[garbage]())
    assert "s3cret" not in str(caught.value)


def test_a_client_that_the_user_closed_is_opened_again_by_its_own_rules(redis_url):
    """redis-py reconnects; the saver stands in the way of nothing."""
    client = redis.Redis.from_url(redis_url)
    saver = DualStoreSaver(client)
    talk(saver, 1)
    client.close()
    with contextlib.closing(client):
        assert saver.get_tuple(config_of())

"""What a kept connection does when an exchange fails: what its client was told to do."""

from __future__ import annotations

import pytest
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from langgraph_dualstore._lines import Lines
from langgraph_dualstore._lines_async import _KeptLine

RETRIES = 3


class Connection:
    """Fails as often as it is told to, then answers."""

    def __init__(self, retry, failures):
        self.retry = retry
        self.failures = list(failures)
        self.asked = self.disconnected = 0

    def send_packed_command(self, packed, check_health=True):
        self.asked += 1

    def read_response(self, **_options):
        if self.failures:
            raise self.failures.pop(0)
        return b"answer"

    def disconnect(self, **_options):
        self.disconnected += 1


class AsyncConnection(Connection):
    async def send_packed_command(self, packed, check_health=True):
        super().send_packed_command(packed)

    async def read_response(self, **options):
        return super().read_response(**options)

    async def disconnect(self, **_options):
        super().disconnect()


class Pool:
    def __init__(self, connection):
        self.connection = connection

    def get_connection(self):
        return self.connection


class AsyncPool(Pool):
    async def get_connection(self):
        return self.connection


@pytest.fixture(params=["sync", "async"])
def exchange(request):
    """Sends a command on a connection that fails so; returns the connection and what came."""

    async def exchange(failures, supported=(RedisConnectionError,)):
        arguments = (NoBackoff(), RETRIES, supported)
        try:
            if request.param == "sync":
                connection = Connection(Retry(*arguments), failures)
                found = Lines(Pool(connection)).execute_command("PING")
            else:
                retry = redis.asyncio.retry.Retry(*arguments)
                connection = AsyncConnection(retry, failures)
                (found,) = await _KeptLine(AsyncPool(connection), 10).exchange([("PING",)])
        except Exception as error:
            found = error
        return connection, found

    return exchange


async def test_what_does_not_fail_is_asked_once(exchange):
    connection, found = await exchange([])
    assert (found, connection.asked, connection.disconnected) == (b"answer", 1, 0)


async def test_what_fails_is_asked_again_on_a_new_connection(exchange):
    connection, found = await exchange([RedisConnectionError("gone")] * RETRIES)
    assert found == b"answer"
    assert (connection.asked, connection.disconnected) == (1 + RETRIES, RETRIES)


async def test_it_is_asked_no_more_often_than_the_client_says(exchange):
    connection, found = await exchange([RedisConnectionError("gone")] * 100)
    assert isinstance(found, RedisConnectionError)
    assert connection.asked == 1 + RETRIES


@pytest.mark.parametrize("asked_again", [False, True])
async def test_which_errors_are_tried_again_is_for_the_client_to_say(exchange, asked_again):
    supported = (RedisConnectionError, *([RedisTimeoutError] if asked_again else []))
    connection, found = await exchange([RedisTimeoutError("late")], supported)
    assert connection.asked == 1 + asked_again
    assert (found == b"answer") == asked_again


async def test_a_refusal_is_an_answer(exchange):
    connection, found = await exchange([ResponseError("no")])
    assert isinstance(found, ResponseError)
    assert (connection.asked, connection.disconnected) == (1, 0)

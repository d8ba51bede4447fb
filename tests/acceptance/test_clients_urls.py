"""Savers that open connections of their own: to where, and what they say if that fails."""

import asyncio
import contextlib
import socketserver
import threading
import time
from datetime import timedelta

import psutil
import pytest
import redis
from async_twins import AsyncTwins, opened
from conversations import messages, talk
from raw_checkpoints import config_of, values_at
from servers.process import free_port
from whole_api import use_everything

from langgraph_dualstore import (
    ConfigurationError,
    DualStoreError,
    DualStoreSaver,
    HotStoreError,
    HotStoreUnavailable,
)


def connections(client):
    """How many others there are."""
    return len(client.client_list()) - 1


def await_connections(client, expected):
    deadline = time.monotonic() + 5
    while connections(client) != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    assert connections(client) == expected


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_a_saver_of_a_url_does_everything(redis_url, methods):
    with opened(redis_url, methods) as saver:
        use_everything(saver)


def test_with_closes_the_connections(redis_url, redis_client):
    before = connections(redis_client)
    with DualStoreSaver.from_conn_string(redis_url) as saver:
        talk(saver, 2)
        assert connections(redis_client) > before
    await_connections(redis_client, before)


async def test_async_with_closes_the_connections_of_both_apis(redis_url, redis_client):
    before = connections(redis_client)
    async with DualStoreSaver.from_conn_string(redis_url) as saver:
        await asyncio.gather(*(saver.aget_tuple(config_of(f"{n}")) for n in range(20)))
        talk(saver, 2)
        assert connections(redis_client) > before + 1
    await_connections(redis_client, before)


async def test_no_connection_is_opened_before_it_is_needed(redis_url, redis_client):
    before = connections(redis_client)
    async with DualStoreSaver.from_conn_string(redis_url):
        assert connections(redis_client) == before


async def test_closing_twice_or_unused_or_before_the_end_is_no_error(redis_url):
    for use in (False, True):
        async with DualStoreSaver.from_conn_string(redis_url) as saver:
            if use:
                talk(saver, 1)
                await saver.aget_tuple(config_of())
            saver.close()
            saver.close()
            await saver.aclose()
            await saver.aclose()
        with saver:
            pass


@pytest.mark.parametrize("scheme", ["valkey", "redis"])
def test_valkeys_own_scheme_means_the_same(redis_url, scheme):
    with DualStoreSaver.from_conn_string(redis_url.replace("redis://", f"{scheme}://")) as saver:
        talk(saver, 1)
        assert values_at(saver, config_of())["count"] == 1


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_a_unix_socket(start_server, tmp_path, methods):
    socket = tmp_path / "socket"
    start_server(f"unixsocket {socket}")
    with opened(f"unix://{socket}", methods) as saver:
        use_everything(saver, threads=1)


@pytest.mark.parametrize("methods", ["sync", "async"])
@pytest.mark.parametrize("query", ["?protocol=3", "?decode_responses=True", "?client_name=me"])
def test_a_url_may_carry_options_of_the_client(redis_url, methods, query):
    with opened(redis_url + query, methods) as saver:
        use_everything(saver, threads=1)


def chain(error):
    """An error and everything that led to it, shown in a traceback or not."""
    found = []
    todo = [error]
    while todo:
        one = todo.pop()
        if one is not None and one not in found:
            found.append(one)
            todo += [one.__cause__, one.__context__]
    return found


def assert_tells_no_secret(error):
    for one in chain(error):
        assert "s3cret" not in f"{one} {one!r} {one.args} {getattr(one, '__notes__', '')}", one


WRONG = {
    "no scheme": "localhost:6379",
    "another scheme": "http://user:s3cret@localhost",
    "nothing": "",
    "None": None,
    "a number": 6379,
    "bytes": b"redis://localhost",
    "a port that is none": "redis://user:s3cret@localhost:port",
    "a port out of range": "redis://user:s3cret@localhost:99999",
    "an unescaped slash": "redis://user:s3cret/@localhost:6379/0",
    "an unescaped slash in the middle": "redis://:s3cret/s3cret@localhost:6379/0",
    "an unescaped hash": "redis://user:s3cret#@localhost:6379/0",
    "an unescaped question mark": "redis://user:s3cret?@localhost:6379/0",
    "a password and no host": "redis://:s3cret",
    "a password in place of the port": "redis://localhost:s3cret/0",
    "half an address": "redis://user:s3cret@[::1/0",
    "an option that is none": "redis://user:s3cret@localhost/0?no_such_option=s3cret",
    "a value that is none": "redis://user:s3cret@localhost/0?socket_timeout=s3cret",
    "a database that is none": "redis://user:s3cret@localhost/?db=s3cret",
}


@pytest.mark.parametrize("url", WRONG.values(), ids=list(WRONG))
def test_a_url_that_is_none_is_refused_without_telling_its_password(url):
    with pytest.raises(ConfigurationError, match=r"redis://") as caught:
        DualStoreSaver.from_conn_string(url)
    assert_tells_no_secret(caught.value)


@pytest.mark.parametrize(("methods", "user"), [("sync", "app"), ("async", "nobody")])
def test_a_wrong_password_is_an_error_that_does_not_tell_it(acl_server, methods, user):
    url = f"redis://{user}:s3cret@127.0.0.1:{acl_server.process.port}/0"
    with opened(url, methods) as saver, pytest.raises(HotStoreError) as caught:
        saver.get_tuple(config_of())
    assert not isinstance(caught.value, HotStoreUnavailable), "asking again will not help"
    assert_tells_no_secret(caught.value)


def test_no_password_where_one_is_needed_is_an_error(acl_server):
    url = f"redis://127.0.0.1:{acl_server.process.port}/0"
    with opened(url, "sync") as saver, pytest.raises(HotStoreError) as caught:
        saver.get_tuple(config_of())
    assert not isinstance(caught.value, HotStoreUnavailable)


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_server_that_is_not_there_is_an_error_soon(host):
    url = f"redis://user:s3cret@{host}:{free_port()}/0"
    began = time.monotonic()
    methods = "sync" if host == "127.0.0.1" else "async"
    with opened(url, methods) as saver, pytest.raises(HotStoreUnavailable) as caught:
        saver.get_tuple(config_of())
    assert time.monotonic() - began < 8
    assert_tells_no_secret(caught.value)
    assert caught.value.__cause__ is not None, "the original tells more"


def test_what_is_no_redis_is_an_error():
    """A server that greets with something else."""

    class Greeter(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeter) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"redis://127.0.0.1:{server.server_address[1]}/0"
        for methods in ("sync", "async"):
            with (
                opened(url, methods, timeout=timedelta(seconds=1)) as saver,
                pytest.raises(HotStoreError),
            ):
                saver.get_tuple(config_of())
        server.shutdown()


def test_a_server_that_comes_up_later_is_found(own_server):
    server = own_server
    server.kill()
    with DualStoreSaver.from_conn_string(server.url) as saver:
        starting = threading.Timer(0.2, server.start)  # while it is being tried
        starting.start()
        for _ in range(5):  # a busy machine may take longer than a saver tries
            with contextlib.suppress(HotStoreUnavailable):
                talk(saver, 2)
                break
        starting.join()
        assert values_at(saver, config_of())["messages"] == messages(2)


def servers_in(folder):
    """The processes of servers with their data there."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.cwd() == str(folder / "valkey")]


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_embedded_keeps_its_data_over_a_restart(tmp_path, methods):
    folder = tmp_path / "data"
    saver = DualStoreSaver.embedded(folder)
    api = saver if methods == "sync" else AsyncTwins(saver)
    use_everything(api, threads=1)
    talk(api, 3)
    assert len(servers_in(folder)) == 1
    saver.close()
    saver.close()
    assert servers_in(folder) == []

    with DualStoreSaver.embedded(str(folder), ttl=100) as again:
        assert values_at(again, config_of())["messages"] == messages(3)
        assert again.ttl_of("thread") > timedelta(hours=23)
    assert servers_in(folder) == []


def test_an_embedded_server_is_not_left_behind_if_the_saver_cannot_be(tmp_path):
    with pytest.raises(ConfigurationError):
        DualStoreSaver.embedded(tmp_path, ttl=-1)
    assert servers_in(tmp_path) == []


def test_every_error_of_a_saver_is_the_packages_own(own_server):
    with DualStoreSaver.from_conn_string(own_server.url) as saver:
        talk(saver, 1)
        with own_server.client() as client:
            client.set("langgraph:state:{odd}:head", "no hash")
        for call in (
            lambda: saver.get_tuple(config_of("odd")),
            lambda: talk(saver, 1, thread_id="odd"),
            lambda: saver.pin("odd"),
        ):
            with pytest.raises(DualStoreError) as caught:
                call()
            assert isinstance(caught.value.__cause__, redis.RedisError)

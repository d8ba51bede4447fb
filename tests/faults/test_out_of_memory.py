"""The server refuses to take more: the saver says so and all stays as it was."""

import pytest
from async_twins import opened
from conversations import message, messages, talk
from raw_checkpoints import config_of, put, values_at
from stored_threads import Onlooker

from langgraph_dualstore import DualStoreSaver, HotStoreError, HotStoreUnavailable


@pytest.fixture(params=["sync", "async"])
def methods(request):
    return request.param


@pytest.fixture
def server(start_server):
    return start_server("maxmemory-policy noeviction")


def snapshot(client):
    """Every key byte for byte, and its deadline."""
    return {key: client.dump(key) for key in client.keys("*")}, Onlooker(client).threads()


WRITES = {
    "put": lambda saver, last: put(saver, 9, {"messages": messages(4), "a": 1}, parent=last),
    "put of a small value": lambda saver, last: put(saver, 9, {"a": 1}, parent=last),
    "put of another namespace": lambda saver, last: put(saver, 9, {"a": 1}, ns="child:1"),
    "put of another thread": lambda saver, last: put(saver, 9, {"a": 1}, thread_id="another"),
    "put again": lambda saver, last: put(saver, 3, {"messages": [message(9)]}),
    "put_writes": lambda saver, last: saver.put_writes(last, [("a", "x" * 500)], "task"),
    "put_writes to come": lambda saver, last: saver.put_writes(
        config_of(id="9"), [("a", 1)], "task"
    ),
    "pin": lambda saver, last: saver.pin("thread"),
}


def test_a_refused_write_changes_nothing(server, methods):
    with opened(server.url, methods) as saver, server.client() as client:
        last = talk(saver, 3)
        for name, write in WRITES.items():
            before, deadlines = snapshot(client)
            client.config_set("maxmemory", 1)
            with pytest.raises(HotStoreError) as caught:
                write(saver, last)
            assert not isinstance(caught.value, HotStoreUnavailable), name
            assert "memory" in str(caught.value)
            assert values_at(saver, last)["messages"] == messages(3)
            client.config_set("maxmemory", 0)
            assert snapshot(client)[0] == before, name
            assert len(deadlines) == 1, name
        # What frees memory is not refused.
        client.config_set("maxmemory", 1)
        saver.delete_thread("thread")
        assert client.dbsize() == 0


def test_the_saver_goes_on_once_there_is_room(server, methods):
    """What it believes to be stored is what is stored, whichever put was refused."""
    with opened(server.url, methods) as saver, server.client() as client:
        last = talk(saver, 3)
        said = messages(3)
        for n in range(4, 10):
            said = [*said, message(n)]
            client.config_set("maxmemory", 1)
            for _ in range(n % 3):
                with pytest.raises(HotStoreError):
                    put(saver, n, {"messages": said, "count": n}, parent=last)
            client.config_set("maxmemory", 0)
            last = put(saver, n, {"messages": said, "count": n}, parent=last)
            with DualStoreSaver.from_conn_string(server.url) as fresh:
                for reader in (fresh, saver):
                    assert values_at(reader, last) == {"messages": said, "count": n}
                    assert len(list(reader.list(config_of()))) == n


def test_it_fills_up_little_by_little(start_server, methods):
    """The limit is met by whichever command comes next, not by a chosen one."""
    server = start_server("maxmemory-policy noeviction")
    with opened(server.url, methods) as saver, server.client() as client:
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", used + 3_000_000)
        done = []
        with pytest.raises(HotStoreError, match="memory"):
            fill_up(saver, done)
        assert 10 < len(done) < 199
        with DualStoreSaver.from_conn_string(server.url) as fresh:
            listed = list(fresh.list(config_of()))
            assert [len(item.checkpoint["channel_values"]["messages"]) for item in listed] == list(
                range(len(done), 0, -1)
            )
        onlooker = Onlooker(client)
        assert onlooker.remaining() > 80_000


def fill_up(saver, done):
    last = None
    for n in range(1, 200):
        values = {"messages": [message(k, f"{k} " * 10_000) for k in range(1, n + 1)]}
        last = put(saver, n, values, parent=last)
        done.append(n)
        saver.put_writes(last, [("a", "x" * 10_000)], f"task-{n}")

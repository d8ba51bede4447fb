"""The server dies in the middle: what was answered is there, what was not is whole or absent."""

import threading
import time
from datetime import timedelta
from itertools import count

import pytest
from async_twins import opened
from conversations import messages, talk
from raw_checkpoints import checkpoint_id, config_of, found_at, put, values_at
from stored_threads import Onlooker, assert_one_deadline

from langgraph_dualstore import DualStoreSaver, HotStoreUnavailable

DURABLE = ("appendonly yes", "appendfsync always", "aof-load-truncated yes")
KILLS = 2


@pytest.fixture(params=["sync", "async"])
def methods(request):
    return request.param


class Writer(threading.Thread):
    """Puts one step after the other, tries each again until it is done, and keeps count."""

    def __init__(self, url, methods, number):
        super().__init__(name=f"writer {number}", daemon=True)
        self.url = url
        self.methods = methods
        self.thread_id = f"thread {number}"
        self.stopped = threading.Event()
        self.answered = []
        self.attempts = {}
        self.refused = 0
        self.problem = None

    def run(self):
        try:
            with opened(self.url, self.methods, timeout=timedelta(seconds=2)) as saver:
                self.write(saver)
        except BaseException as error:
            self.problem = error

    def write(self, saver):
        last, n = None, 0
        while not self.stopped.is_set():
            n += 1
            last = self.insist(n, self.step, saver, n, last)
            self.insist((n, "writes"), saver.put_writes, last, [("count", n)], f"task-{n}")

    def step(self, saver, n, last):
        values = {"messages": messages(n), "count": n, "big": f"{n} " * 300}
        return put(saver, n, values, parent=last, thread_id=self.thread_id)

    def insist(self, what, call, *args):
        while True:
            self.attempts[what] = self.attempts.get(what, 0) + 1
            try:
                result = call(*args)
            except HotStoreUnavailable:
                self.refused += 1
                time.sleep(0.01)
            else:
                self.answered.append(what)
                return result


def test_what_was_answered_is_there_and_all_is_whole(start_server, methods):
    server = start_server(*DURABLE)
    writers = [Writer(server.url, methods, number) for number in range(3)]
    for writer in writers:
        writer.start()
    for _ in range(KILLS):
        time.sleep(0.2)
        server.kill()
        # Longer than a saver tries on its own, for some calls.
        time.sleep(0.3)
        server.start()
    time.sleep(0.2)
    server.kill()
    for writer in writers:
        writer.stopped.set()
    server.start()
    for writer in writers:
        writer.join(20)
        assert writer.problem is None
        assert len(writer.answered) > 10
    with DualStoreSaver.from_conn_string(server.url) as fresh, server.client() as client:
        for writer in writers:
            assert_all_there(fresh, writer)
        onlooker = Onlooker(client)
        for deadlines in onlooker.threads().values():
            assert_one_deadline(deadlines, onlooker.slack)
            assert deadlines["head"] != -1


def assert_all_there(fresh, writer):
    listed = list(fresh.list(config_of(writer.thread_id)))
    steps = [found.checkpoint["channel_values"]["count"] for found in listed]
    puts = [what for what in writer.answered if isinstance(what, int)]
    assert steps == sorted(puts, reverse=True)
    for found in listed:
        n = found.checkpoint["channel_values"]["count"]
        values = {"messages": messages(n), "count": n, "big": f"{n} " * 300}
        assert found.checkpoint["channel_values"] == values
        if (n, "writes") in writer.answered:
            assert found.pending_writes == [(f"task-{n}", "count", n)]


def test_a_put_that_raised_is_wholly_there_or_not_at_all(start_server, methods):
    server = start_server(*DURABLE)
    with opened(server.url, methods, timeout=timedelta(seconds=1)) as saver:
        last = talk(saver, 3)
        before = found_at(saver, last)
        killer = threading.Timer(0.05, server.kill)
        killer.start()
        done = [last]
        with pytest.raises(HotStoreUnavailable):
            go_on(saver, done)
        killer.join()
        # The first three were there before; the last one raised.
        n, last, said = len(done) + 3, done[-1], messages(len(done) + 3)
        server.start()
        with DualStoreSaver.from_conn_string(server.url) as fresh:
            assert found_at(fresh, before.config) == before
            steps = [
                found.checkpoint["channel_values"]["count"] for found in fresh.list(config_of())
            ]
            assert steps in (list(range(n, 0, -1)), list(range(n - 1, 0, -1)))
            for reader in (fresh, saver):
                for found in reader.list(config_of()):
                    values = found.checkpoint["channel_values"]
                    assert values == {
                        "messages": messages(values["count"]),
                        "count": values["count"],
                    }
            # Repeating it does no harm, also once it is done.
            for _ in range(3):
                again = put(saver, n, {"messages": said, "count": n}, parent=last)
                assert values_at(fresh, again) == {"messages": said, "count": n}
                assert len(list(fresh.list(config_of()))) == n


def go_on(saver, done):
    """From the third step, without an end."""
    for n in count(4):
        values = {"messages": messages(n), "count": n}
        done.append(put(saver, n, values, parent=done[-1]))


def test_between_two_puts_the_server_forgets_everything(own_server, methods):
    """FLUSHALL, or a crash of one that keeps nothing on disk, with its scripts and connections."""
    with opened(own_server.url, methods) as saver:
        last = talk(saver, 3)
        for n in range(4, 8):
            if n % 2:
                own_server.restart()
            else:
                with own_server.client() as client:
                    client.flushall()
            last = put(saver, n, {"messages": messages(n)}, parent=last)
            with DualStoreSaver.from_conn_string(own_server.url) as fresh:
                (found,) = fresh.list(config_of())
                assert found.checkpoint["channel_values"] == {"messages": messages(n)}
                assert found.checkpoint["id"] == checkpoint_id(n)


def test_between_two_puts_a_server_that_keeps_all_is_killed(start_server, methods):
    server = start_server(*DURABLE)
    with opened(server.url, methods) as saver:
        last = talk(saver, 3)
        for n in range(4, 7):
            server.restart()
            last = talk(saver, 1, start=n, parent=last, said=messages(n - 1))
            with DualStoreSaver.from_conn_string(server.url) as fresh:
                assert len(list(fresh.list(config_of()))) == n
                assert values_at(fresh, last)["messages"] == messages(n)


def test_a_read_of_a_dead_server_is_an_error_not_an_empty_thread(own_server):
    with opened(own_server.url, "async", timeout=timedelta(seconds=1)) as saver:
        talk(saver, 1)
        own_server.kill()
        with pytest.raises(HotStoreUnavailable):
            list(saver.list(None))
        own_server.start()
        assert saver.get_tuple(config_of()) is None

"""A live process goes on at another server, which has nothing, or not everything, of the thread.

The address that the process uses leads to another server from one moment to the next. What
that server has was once the thread, so all that the process knows is almost right.
"""

import contextlib
import itertools
import time

import pytest
from async_twins import opened
from conversations import message, messages, talk
from raw_checkpoints import checkpoint_id, config_of, ids_in, put, values_at
from servers.moving_address import MovingAddress
from servers.replica import replica_of
from stored_threads import Onlooker, assert_one_deadline

from langgraph_dualstore import DualStoreSaver

LOST = [*messages(3), message(4, "lost " * 50)]
KEPT = [*messages(3), message(4, "kept " * 50)]

# What the process may do before the failover, so that it has seen what is lost.
READS = {
    "nothing": lambda live, config: None,
    "get_tuple": lambda live, config: live.get_tuple(config),
    "list": lambda live, config: list(live.list(config)),
    "delta history": lambda live, config: live.get_delta_channel_history(
        config=config, channels=["messages", "unknown"]
    ),
}


@pytest.fixture(params=["sync", "async"])
def methods(request):
    return request.param


@pytest.fixture
def address(own_server):
    with MovingAddress(own_server) as address:
        yield address


def assert_deadlines(server):
    with server.client() as client:
        onlooker = Onlooker(client)
        for deadlines in onlooker.threads().values():
            assert_one_deadline(deadlines, onlooker.slack)
            assert deadlines["head"] != -1


def test_at_an_empty_server_the_next_put_is_complete(own_server, start_server, address, methods):
    empty = start_server()
    with (
        opened(address.url, methods) as live,
        DualStoreSaver.from_conn_string(empty.url) as fresh,
    ):
        last = talk(live, 5)
        address.move_to(empty)
        last = put(live, 6, {"messages": messages(6)}, parent=last)
        assert values_at(fresh, config_of()) == {"messages": messages(6)}
        last = put(live, 7, {"messages": messages(7)}, parent=last)
        assert values_at(fresh, config_of()) == {"messages": messages(7)}
        assert ids_in(fresh.list(config_of())) == [checkpoint_id(7), checkpoint_id(6)]
        assert_deadlines(empty)


class Failover:
    """Threads that lost their newest checkpoint, each with a process that may have seen it."""

    def __init__(self, url, methods):
        self.url = url
        self.methods = methods
        self.stack = contextlib.ExitStack()
        self.threads = []

    def begin(self):
        """Three steps that every server has."""
        ways = itertools.product(READS, (True, False), (self.read_first, self.put_at_once))
        for number, (read, own, go_on) in enumerate(ways):
            live = self.stack.enter_context(opened(self.url, self.methods))
            thread_id = f"thread {number}"
            last = talk(live, 3, thread_id=thread_id)
            self.threads.append((thread_id, live, last, read, own, go_on))

    def lose(self, other):
        """A fourth that only the first server has, put by the process itself or by another."""
        for thread_id, live, last, read, own, _ in self.threads:
            writer = live if own else other
            put(writer, 4, {"messages": LOST}, parent=last, thread_id=thread_id)
            READS[read](live, config_of(thread_id))

    def go_on(self, url):
        """Another one in its place, at the same positions of the same log."""
        with DualStoreSaver.from_conn_string(url) as other:
            for thread_id, live, last, _, _, go_on in self.threads:
                fourth = put(other, 4, {"messages": KEPT}, parent=last, thread_id=thread_id)
                fifth, said = go_on(live, fourth)
                with DualStoreSaver.from_conn_string(url) as fresh:
                    for reader in (fresh, live, other):
                        assert values_at(reader, fifth) == {"messages": said}
                        assert values_at(reader, fourth) == {"messages": KEPT}
                        for found in reader.list(config_of(thread_id)):
                            listed = found.checkpoint["channel_values"]["messages"]
                            assert found.checkpoint["id"] == checkpoint_id(len(listed))
                            assert listed in (said, KEPT, messages(len(listed)))

    def read_first(self, live, fourth):
        """As a new turn does."""
        thread_id = fourth["configurable"]["thread_id"]
        assert values_at(live, fourth) == {"messages": KEPT}
        assert values_at(live, config_of(thread_id)) == {"messages": KEPT}
        said = [*KEPT, message(5)]
        return put(live, 5, {"messages": said}, parent=fourth, thread_id=thread_id), said

    def put_at_once(self, live, fourth):
        """As a run that was under way does: it goes on from what was lost."""
        thread_id = fourth["configurable"]["thread_id"]
        said = [*LOST, message(5)]
        return put(live, 5, {"messages": said}, parent=fourth, thread_id=thread_id), said

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stack.close()


def test_at_a_lagging_replica_nothing_that_was_lost_is_taken_for_stored(
    own_server, address, methods, tmp_path
):
    with (
        replica_of(own_server, tmp_path / "replica") as replica,
        Failover(address.url, methods) as failover,
        DualStoreSaver.from_conn_string(own_server.url) as other,
    ):
        failover.begin()
        detach(replica, own_server)
        failover.lose(other)
        address.move_to(replica)
        failover.go_on(replica.url)
        assert_deadlines(replica)


def detach(replica, master):
    """Cuts the replica off once it has all that the master has; it lags from here on."""
    with replica.client() as client, master.client() as at_master:
        deadline = time.monotonic() + 10
        offset = at_master.info("replication")["master_repl_offset"]
        while client.info("replication")["slave_repl_offset"] < offset:
            assert time.monotonic() < deadline, "the replica did not catch up"
            time.sleep(0.01)
        client.execute_command("REPLICAOF", "NO", "ONE")


def test_at_a_server_restored_from_a_snapshot_neither(own_server, methods):
    with (
        Failover(own_server.url, methods) as failover,
        DualStoreSaver.from_conn_string(own_server.url) as other,
    ):
        failover.begin()
        with own_server.client() as client:
            client.save()
        failover.lose(other)
        own_server.restart()
        failover.go_on(own_server.url)
        assert_deadlines(own_server)

"""Something happens to the thread between any two steps of a call that takes several."""

import contextlib
from itertools import product

import pytest
import redis
from conversations import message, messages, talk
from losses import PARTS, REPLACED, WHOLE
from raw_checkpoints import checkpoint_id, config_of, put, values_at
from stored_threads import Onlooker, assert_one_deadline

from langgraph_dualstore import CorruptRecord, DualStoreSaver

LOSSES = {**WHOLE, **PARTS, **REPLACED}
STEPS = 4


class Interfering(redis.Redis):
    """Does something of its own before the nth script from now on."""

    left = -1
    what = None

    def execute_command(self, *args, **options):
        if str(args[0]).startswith("EVAL"):
            self.left -= 1
            if self.left == -1:
                self.what()
        return super().execute_command(*args, **options)

    def interfere(self, before, what):
        self.left, self.what = before, what


def causing(loss, client, another):
    def cause():
        # Others may be refused for what the thread has lost already.
        with contextlib.suppress(CorruptRecord):
            LOSSES[loss](client, another)

    return cause


@pytest.fixture
def client(redis_url):
    with Interfering.from_url(redis_url) as client:
        yield client


@pytest.fixture
def another(redis_url):
    with DualStoreSaver.from_conn_string(redis_url) as another:
        yield another


BIG = [*messages(30), message(31, "long " * 3000)]


def fill(saver):
    for ns in ("child:1", ""):
        talk(saver, 5, ns=ns, metadata={"run_id": "run"})
    talk(saver, 2, thread_id="other")
    values = {"messages": BIG, "count": 6, "constant": "c" * 5000}
    parent = config_of(id=checkpoint_id(5))
    return put(saver, 6, values, parent=parent, metadata={"run_id": "run"}), values


@pytest.mark.parametrize("knows", ["warm", "cold"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_put_is_complete_whenever_it_happens(redis_client, client, another, loss, knows):
    """The saver knows the thread from its own puts, or not at all."""
    for step in range(STEPS):
        redis_client.flushdb()
        saver = DualStoreSaver(client)
        last, values = fill(another if knows == "cold" else saver)
        client.interfere(step, causing(loss, redis_client, another))
        values = {**values, "messages": [*BIG, message(32)], "count": 7}
        versions = {"messages": 7, "count": 7, "constant": 6}
        last = put(saver, 7, values, parent=last, versions=versions, new=["messages", "count"])
        client.interfere(-1, None)
        fresh = DualStoreSaver(redis_client)
        if step == 0 or fresh.get_tuple(last):  # it may be lost after it was put
            for reader in (fresh, saver):
                assert values_at(reader, last) == values
        values = {**values, "messages": [*BIG, message(32), message(33)], "count": 8}
        last = put(saver, 8, values, parent=last)
        for reader in (DualStoreSaver(redis_client), saver):
            assert values_at(reader, last) == values
        onlooker = Onlooker(redis_client)
        for deadlines in onlooker.threads().values():
            assert_one_deadline(deadlines, onlooker.slack)
            assert deadlines["head"] != -1


@pytest.mark.parametrize("loss", LOSSES)
def test_a_put_that_leaves_values_out_never_refers_to_what_is_gone(
    redis_client, client, another, loss
):
    """It may come to lack a value that nobody has any more."""
    seventh = config_of(id=checkpoint_id(7))
    for step, parent in product(range(STEPS), (seventh, None)):
        redis_client.flushdb()
        last, _ = fill(another)
        # Records of a log that is gone, which reached further, and one of the new log.
        redis_client.delete("langgraph:state:{thread}:log")
        talk(another, 1, start=7, parent=last, said=messages(6))
        versions = {"messages": 7, "count": 8}
        saver = DualStoreSaver(client)
        client.interfere(step, causing(loss, redis_client, another))
        last = put(saver, 8, {"count": 8}, parent=parent, versions=versions, new=["count"])
        client.interfere(-1, None)
        # What comes into the log next lies where the other log had something else.
        put(another, 1, {"x": "x" * 50_000}, ns="child:2")
        for reader in (DualStoreSaver(redis_client), saver):
            found = reader.get_tuple(last)
            if found is not None:
                values = found.checkpoint["channel_values"]
                assert values["count"] == 8
                assert values.get("messages", messages(7)) == messages(7)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_list_shows_what_was_put_whenever_it_happens(redis_client, client, another, loss):
    saver = DualStoreSaver(client)
    for step in range(1, STEPS):
        redis_client.flushdb()
        talk(another, 40, metadata={"run_id": "run"})
        talk(another, 20, ns="child:1", metadata={"run_id": "run"})
        talk(another, 2, thread_id="other")
        for config in (config_of(), config_of(ns=None), None):
            client.interfere(step, causing(loss, redis_client, another))
            try:
                for found in saver.list(config):
                    count = found.checkpoint["channel_values"]["count"]
                    assert found.checkpoint["channel_values"]["messages"] == messages(count)
                    assert found.checkpoint["id"] == checkpoint_id(count)
            except CorruptRecord:
                assert loss in PARTS
            client.interfere(-1, None)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("call", ["prune", "copy", "delete_for_runs"])
def test_what_rewrites_a_thread_leaves_it_whole(redis_client, client, another, loss, call):
    calls = {
        "prune": lambda saver: saver.prune(["thread", "other"]),
        "copy": lambda saver: saver.copy_thread("other", "thread"),
        "delete_for_runs": lambda saver: saver.delete_for_runs(["run", "none"]),
    }
    saver = DualStoreSaver(client)
    for step in range(STEPS):
        redis_client.flushdb()
        last, values = fill(another)
        client.interfere(step, causing(loss, redis_client, another))
        try:
            calls[call](saver)
        except CorruptRecord:
            assert loss in PARTS
        client.interfere(-1, None)
        fresh = DualStoreSaver(redis_client)
        for ns in ("", "child:1"):
            for n in range(1, 7):
                try:
                    found = fresh.get_tuple(config_of(ns=ns, id=checkpoint_id(n)))
                except CorruptRecord:
                    assert loss in PARTS
                    continue
                if found is not None:
                    expected = BIG if (ns, n) == ("", 6) else messages(n)
                    assert found.checkpoint["channel_values"]["messages"] == expected
        onlooker = Onlooker(redis_client)
        for deadlines in onlooker.threads().values():
            assert deadlines.get("head") != -1
        last = put(saver, 9, values, parent=last)
        assert values_at(fresh, last) == values

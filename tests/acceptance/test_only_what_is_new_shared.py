"""Several processes on one thread, and one that remembers little."""

import subprocess
import sys

import pytest
from conversations import message, messages, talk
from langgraph.checkpoint.memory import InMemorySaver
from raw_checkpoints import checkpoint_id, config_of, found_at, put, values_at
from stored_threads import bytes_received
from tuple_comparison import assert_same


@pytest.mark.parametrize("cache_bytes", [0, 1, 3000, 20_000])
def test_a_saver_that_remembers_little_stores_the_same(open_saver, fresh, cache_bytes):
    with open_saver(cache_bytes=cache_bytes) as saver:
        last = dict.fromkeys(["a", "b", "c"])
        for n in range(1, 30):
            for name in last:
                said = messages(n)
                last[name] = talk(
                    saver, 1, start=n, parent=last[name], said=said[:-1], thread_id=name
                )
        for name in last:
            memory = InMemorySaver()
            talk(memory, 29, thread_id=name)
            expected = list(memory.list(config_of(name)))
            assert_same(list(saver.list(config_of(name))), expected)
            assert_same(list(fresh.list(config_of(name))), expected)
            assert_same([saver.get_tuple(config_of(name))], expected[:1])


def test_a_saver_that_remembers_nothing_sends_only_what_is_new_all_the_same(
    open_saver, redis_client
):
    """It asks what is there instead."""
    with open_saver(cache_bytes=0) as saver:
        last = talk(saver, 200)
        said = messages(200)
        before = bytes_received(redis_client)
        put(saver, 201, {"messages": [*said, message(201)], "count": 201}, parent=last)
        assert bytes_received(redis_client) - before < 2500


def test_a_saver_forgets_the_threads_it_has_not_used_for_longest(open_saver, fresh):
    """More threads than it can remember: nothing mixes, nothing is missing."""
    with open_saver(cache_bytes=30_000) as saver:
        last = {}
        for n in range(1, 6):
            for number in range(40):
                name = f"thread {number}"
                said = [message(k, f"{name} says {k} " * 10) for k in range(1, n + 1)]
                last[name] = put(
                    saver, n, {"messages": said}, parent=last.get(name), thread_id=name
                )
        for name in last:
            texts = [item.text for item in values_at(fresh, last[name])["messages"]]
            assert texts == [f"{name} says {k} " * 10 for k in range(1, 6)]


def test_two_savers_take_turns_on_one_thread(open_saver, fresh):
    """As two workers behind a load balancer do, reading first or not."""
    memory = InMemorySaver()
    with open_saver() as one, open_saver() as other:
        last = None
        said = []
        for n in range(1, 25):
            saver = (one, other)[n % 2]
            if n % 3 == 0:
                said = found_at(saver, config_of()).checkpoint["channel_values"]["messages"]
            said = [*said[n % 5 == 0 :], message(n)]
            for into in (memory, saver):
                config = put(into, n, {"messages": said, "count": n}, parent=last)
                into.put_writes(config, [("count", n)], "task")
            last = config
        expected = list(memory.list(config_of()))
        for reader in (fresh, one, other):
            assert_same(list(reader.list(config_of())), expected)


def test_two_savers_put_to_one_thread_at_once(open_saver, fresh):
    """Each goes on from the same parent, in a namespace of its own and in the same one."""
    with open_saver() as one, open_saver() as other:
        root = talk(one, 3)
        for n in range(4, 30, 2):
            for saver, number in ((one, n), (other, n + 1)):
                said = [*messages(3), message(number)]
                put(saver, number, {"messages": said}, parent=root)
                put(saver, number, {"messages": said}, ns=f"child:{number % 2}")
        for found in fresh.list(config_of(ns=None)):
            number = int(found.checkpoint["id"][-12:], 16)
            if number > 3:
                expected = [*messages(3), message(number)]
                assert found.checkpoint["channel_values"]["messages"] == expected


WORKER = """
import sys
from conversations import message
from raw_checkpoints import config_of, put
from langgraph_dualstore import DualStoreSaver

with DualStoreSaver.from_conn_string(sys.argv[1]) as saver:
    for line in sys.stdin:
        n = int(line)
        found = saver.get_tuple(config_of())
        said = found.checkpoint["channel_values"]["messages"] if found else []
        put(saver, n, {"messages": [*said, message(n)]}, parent=found and found.config)
        print(len(said) + 1, flush=True)
"""


def test_two_processes_take_turns_on_one_thread(redis_url, fresh, tmp_path):
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, redis_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=tmp_path,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for n in range(1, 21):
            worker = workers[n % 3 % 2]
            worker.stdin.write(f"{n}\n")
            worker.stdin.flush()
            assert int(worker.stdout.readline()) == n
            assert values_at(fresh, config_of()) == {"messages": messages(n)}
        listed = list(fresh.list(config_of()))
        assert [len(item.checkpoint["channel_values"]["messages"]) for item in listed] == list(
            range(20, 0, -1)
        )
        assert listed[-1].checkpoint["id"] == checkpoint_id(1)
    finally:
        for worker in workers:
            worker.communicate()

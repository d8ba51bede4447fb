"""Whenever somebody looks, every key of a thread has the thread's deadline.

Writers are killed in the middle of what they do, again and again, while another client
looks all the time.
"""

import random
import threading
import time

import pytest
import redis
from raw_checkpoints import config_of
from stored_threads import Onlooker, assert_one_deadline
from writing_process import THREADS, writing_processes

from langgraph_dualstore import DualStoreSaver

KILLS = 15


class Watch(threading.Thread):
    """Looks all the time, until it is told to stop or sees what must not be."""

    def __init__(self, url):
        super().__init__(name="watch", daemon=True)
        self.client = redis.Redis.from_url(url)
        self.onlooker = Onlooker(self.client)
        self.stopped = threading.Event()
        self.looks = 0
        self.states = set()
        self.seen = None
        self.problem = None

    def run(self):
        while not self.stopped.is_set() and self.problem is None:
            self.look()

    def look(self):
        self.seen = self.onlooker.threads()
        for deadlines in self.seen.values():
            try:
                assert_one_deadline(deadlines, self.onlooker.slack)
                assert deadlines["head"] != -1
            except AssertionError as error:
                self.problem = error
        self.looks += 1
        self.states.add(
            frozenset((tag, *deadlines.items()) for tag, deadlines in self.seen.items())
        )


def assert_whole(url):
    """Everything on the server can be read, and each state has the messages that it counts."""
    with DualStoreSaver.from_conn_string(url) as fresh:
        for name in [*THREADS, "copy"]:
            for ns in ("", "child:1"):
                fresh.get_tuple(config_of(name, ns))
        for found in fresh.list(None):
            values = found.checkpoint["channel_values"]
            assert len(values["messages"]) == values["count"]
            assert all(item.text.startswith("message") for item in values["messages"])
            tasks = {}
            for task, channel, value in found.pending_writes:
                tasks.setdefault(task, {})[channel] = value
            for writes in tasks.values():
                assert writes == {"count": values["count"], "other": "x" * 200}


@pytest.mark.timeout(90)
def test_every_key_has_its_threads_deadline_though_writers_are_killed(redis_url):
    chance = random.Random(5)
    watch = Watch(redis_url)
    watch.start()
    with writing_processes(redis_url) as processes:
        for _ in range(KILLS):
            pid = processes.start()
            time.sleep(chance.uniform(0.05, 0.2))
            processes.kill(pid)
            assert watch.problem is None
            assert_whole(redis_url)
    watch.stopped.set()
    watch.join(10)
    assert watch.problem is None
    # It has really seen them at work.
    assert watch.looks > 100
    assert len(watch.states) > 30

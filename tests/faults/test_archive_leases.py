"""A thread that a worker has taken on is its own until the lease ends, and not after that."""

import time
from datetime import timedelta

import pytest
from conversations import messages, talk
from memory_archive import MemoryArchive

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.hot.keys import queue_of
from langgraph_dualstore.operations.queue import Backlog, claim, fail, release

EMPTY = Backlog(0, 0, 0, 0, [], None)
ATTEMPTS = 3


@pytest.fixture
def archive():
    return MemoryArchive()


@pytest.fixture
def saver(redis_url, archive):
    with DualStoreSaver.from_conn_string(
        redis_url,
        archive=archive,
        archive_attempts=ATTEMPTS,
        archive_delay=timedelta(milliseconds=5),
        archive_lease=timedelta(seconds=1),
        run_archiver=False,
    ) as saver:
        yield saver


@pytest.fixture
def worker(saver):
    """Claims and releases by hand; the thread lies in this queue."""
    talk(saver, 1)
    time.sleep(0.02)
    return Worker(saver)


class Worker:
    def __init__(self, saver):
        self.saver, self.context = saver, saver._context
        key = queue_of("langgraph:state", "thread").due.decode()
        self.shard = int(key.split("{")[1].split("}")[0])

    def claim(self):
        return self.saver._run(claim(self.context, self.shard, 50))

    def release(self, claimed, wait=None):
        self.saver._run(release(self.context, claimed, [("thread", wait)]))


def test_a_thread_that_was_taken_on_is_nobody_elses_until_the_lease_ends(worker):
    first = worker.claim()
    assert first.thread_ids == ["thread"]
    assert worker.claim()[2:4] == ([], 1)
    talk(worker.saver, 2)  # queues it again
    time.sleep(0.02)
    assert worker.claim()[2:4] == ([], 1)
    time.sleep(1)
    second = worker.claim()
    assert second.thread_ids == ["thread"]

    # The first one comes too late.
    error = ValueError("late")
    for _ in range(ATTEMPTS):
        assert not worker.saver._run(fail(worker.context, first, "thread", error, 0))
    worker.release(first)
    assert worker.saver.backlog()[:3] == (0, 0, 1)
    assert worker.claim().thread_ids == []
    worker.release(second)
    assert worker.saver.backlog() == EMPTY


def test_what_is_written_while_a_thread_is_taken_on_is_queued_after_its_release(worker):
    claimed = worker.claim()
    talk(worker.saver, 2)
    worker.release(claimed)
    time.sleep(0.02)
    assert worker.claim().thread_ids == ["thread"]


def test_a_flush_waits_for_others_and_takes_over_from_the_dead(worker, archive):
    worker.claim()
    assert not worker.saver.flush(0.1)
    assert not archive.threads
    assert worker.saver.flush(5)
    assert archive.contents("thread") == [message.content for message in messages(1)]

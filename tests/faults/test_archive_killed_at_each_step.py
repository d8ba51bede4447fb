"""The process dies at any step of a put, an archive, a restore or a deletion: others take over.

Run as a program it waits for lines on its standard input, and forks a process for each that
kills itself: a new interpreter for each would take a second to start.
"""

import os
import signal
import subprocess
import sys
import traceback
from datetime import timedelta

import pytest
from conversations import message
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of, found_at
from tuple_comparison import assert_same

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore._driver import Driver
from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.cold.watched import WatchedConnection
from langgraph_dualstore.hot.keys import queue_of
from langgraph_dualstore.operations.queue import Backlog, claim

EMPTY = Backlog(0, 0, 0, 0, [], None)
MOST = 150
OPTIONS = {
    "run_archiver": False,
    "archive_delay": timedelta(hours=20),  # a flush does not wait for what is idle
    "archive_lease": timedelta(seconds=1),
}


def said_in(thread_id, count):
    return [message(n, f"{n} of {thread_id}" + "words " * 30) for n in range(1, count + 1)]


# --- what is done, to a thread that is named like the prefix of its keys ---


def opened(url, archive, prefix):
    return DualStoreSaver.from_conn_string(url, archive=archive, prefix=prefix, **OPTIONS)


def put(saver, name, n, said, parent=None):
    """The nth checkpoint, made in the nth second."""
    made = checkpoint_of(checkpoint_id(n), {"messages": said}, {"messages": n})
    made["ts"] = f"2024-05-04T06:32:{n:02}+00:00"
    return saver.put(
        parent or config_of(name), made, {"source": "loop", "step": n}, {"messages": n}
    )


def begin(saver, name):
    """Four messages, of which the state keeps two, and a pending write."""
    said = said_in(name, 4)
    parent = put(saver, name, 1, said[:2])
    parent = put(saver, name, 2, said, parent)
    parent = put(saver, name, 3, said[2:], parent)
    saver.put_writes(parent, [("other", 1)], "task-3")


def go_on(saver, name):
    """Two messages more, and the state keeps two again."""
    said = said_in(name, 6)
    parent = found_at(saver, config_of(name)).config
    saver.put_writes(parent, [("messages", said[4])], "task-4")
    parent = put(saver, name, 4, said[2:5], parent)
    put(saver, name, 5, [said[3], said[5]], parent)


SAID = {1: 2, 2: 4, 3: 4, 4: 5, 5: 6}
"""How many messages were said by the nth checkpoint."""


def archive(saver, name):
    """As a worker does, which would look into the other queues as well."""
    shard = int(queue_of(name, name).due.split(b"{")[1].split(b"}")[0])
    claimed = saver._run(claim(saver._context, shard, 1, saver.settings.delay_ms))
    assert claimed.thread_ids == [name]
    saver._archiver._batches.archive([claimed])


def prune(saver, name):
    saver.prune([name])


def expire(saver, name):
    client = saver._connections._sync.client
    client.delete(*client.keys(f"{name}:{{{name}}}:*"))


def delete(saver, name):
    saver.delete_thread(name)


CASES = {
    "put": ((), (begin,)),
    "archive": ((begin,), (archive,)),
    "put and archive what is new": ((begin, archive), (go_on, archive)),
    "restore, put and archive": ((begin, archive, expire), (go_on, archive)),
    "archive all again": ((begin, archive, go_on, prune), (archive,)),
    "delete": ((begin, archive, go_on), (delete,)),
}
"""What is done before, and what the process dies in."""


# --- the program ---


def main():
    url, dsn = sys.argv[1:]
    for line in sys.stdin:
        case, name, step = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run(url, dsn, case, name, int(step))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


def run(url, dsn, case, name, step):
    archive = PostgresArchive(dsn, max_size=1)
    archive.marks([name])  # connecting takes a number of steps that varies
    with opened(url, archive, name) as saver:
        die_at(step)
        for call in CASES[case][1]:
            call(saver, name)


def die_at(step):
    """Before it says something to a server: for others that is the same as after the last."""

    def count():
        nonlocal step
        step -= 1
        if step == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counting(original):
        def counted(*args, **options):
            count()
            return original(*args, **options)

        return counted

    Driver._send = counting(Driver._send)
    WatchedConnection.wait = counting(WatchedConnection.wait)


# --- the test ---


@pytest.fixture
def archived(postgres_dsn):
    archive = PostgresArchive(postgres_dsn)
    archive.setup()
    yield archive
    archive.close()


@pytest.fixture
def dies(redis_url, postgres_dsn):
    """Runs a case in a process that dies at a step; tells whether it got that far."""
    process = subprocess.Popen(
        [sys.executable, __file__, redis_url, postgres_dsn],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ":".join(path for path in sys.path if path)},
        text=True,
    )

    def dies(case, name, step):
        process.stdin.write(f"{case}\t{name}\t{step}\n")
        process.stdin.flush()
        status = int(process.stdout.readline())
        assert status in (0, -signal.SIGKILL), "see its standard error"
        return status != 0

    yield dies
    process.communicate(timeout=10)


@pytest.mark.parametrize("case", CASES)
def test_whenever_a_process_dies_its_work_is_taken_over(redis_url, archived, dies, case):
    """Each step has a thread and a queue of its own, so that all leases end at one time."""
    before, _ = CASES[case]
    names = []
    for step in range(1, MOST):
        name = f"{case}, {step}"
        with opened(redis_url, archived, name) as saver:
            for call in before:
                call(saver, name)
        if not dies(case, name, step):
            break
        names.append(name)
    assert 4 <= len(names) < MOST - 1
    for name in names:
        with opened(redis_url, archived, name) as saver:
            if case == "delete":
                assert_can_be_deleted(saver, archived, name)
            else:
                assert_taken_over(saver, archived, name, new=not before)


def assert_taken_over(saver, archived, name, *, new):
    assert saver.flush(10)
    hot = saver.get_tuple(config_of(name))
    assert saver.backlog() == EMPTY
    if hot is None:
        assert new, "the thread is lost"
        assert archived.session(name) is None
        return
    count = SAID[int(hot.checkpoint["id"][-12:], 16)]
    messages = [found.row.content for found in archived.messages(name)]
    assert messages == [message.content for message in said_in(name, count)]
    present = [found.row.key for found in archived.messages(name, include_removed=False)]
    assert present == [message.id for message in hot.checkpoint["channel_values"]["messages"]]
    assert archived.session(name).message_count == count
    assert saver.ttl_of(name)
    expire(saver, name)
    assert_same([found_at(saver, config_of(name))], [hot])


def assert_can_be_deleted(saver, archived, name):
    saver.delete_thread(name)
    for _ in range(2):
        assert saver.get_tuple(config_of(name)) is None
        assert archived.messages(name) == []
        assert saver.flush(10)
    assert saver.backlog() == EMPTY


if __name__ == "__main__":
    main()

"""Workers and a writer are killed at random while they work on the same threads: nothing is lost.

Run as a program it waits for lines on its standard input, and forks or kills a worker or a
writer for each: a new interpreter for each would take a second to start.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from conversations import message
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of, found_at
from tuple_comparison import assert_same

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.operations.queue import Backlog

SECONDS = 6.0
THREADS = [f"thread {n}" for n in range(5)]
ROLES = ("worker", "background worker", "writer")


# --- the program ---


def main():
    url, dsn, folder = sys.argv[1:]
    children = set()
    for line in sys.stdin:
        what, argument = line.rstrip("\n").split("\t")
        if what == "kill":
            child = int(argument)
            os.kill(child, signal.SIGKILL)
            answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            children.discard(child)
        else:
            answer = os.fork()
            if answer == 0:
                work(what, url, dsn, Path(folder), int(argument))
            children.add(answer)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for child in children:
        os.kill(child, signal.SIGKILL)


def work(role, url, dsn, folder, seed):
    """Work until killed; what goes wrong is left in a file."""
    try:
        saver = DualStoreSaver.from_conn_string(
            url,
            dsn,
            archive_lease=timedelta(seconds=1),
            archive_delay=timedelta(milliseconds=10),
            run_archiver=role != "worker",
        )
        if role == "background worker":
            saver._archiver.start()
        end = time.monotonic() + 60
        chance = random.Random(seed)
        while time.monotonic() < end:
            if role == "writer":
                write(saver, chance, folder / "acknowledged")
            elif role == "worker":
                saver.flush(1)
            else:
                time.sleep(1)
    except BaseException as error:
        (folder / f"failed {seed}").write_text(f"{role}: {error!r}")
    finally:
        os._exit(1)


def write(saver, chance, acknowledged):
    """Go on with a thread; its state says how many messages there have been."""
    name = chance.choice(THREADS)
    found = saver.get_tuple(config_of(name))
    values = found.checkpoint["channel_values"] if found else {"messages": [], "count": 0}
    n = values["count"] + 1
    said = [*values["messages"], message(n, f"{n} of {name} " + "words " * 20)]
    if chance.random() < 0.1:
        said = said[len(said) // 2 :]
    made = checkpoint_of(
        checkpoint_id(n), {"messages": said, "count": n}, {"messages": n, "count": n}
    )
    made["ts"] = f"2024-05-04T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}+00:00"
    if chance.random() < 0.5:  # not finished: it is not due before its deadline
        made["updated_channels"] = ["branch:to:answer"]
    config = saver.put(
        found.config if found else config_of(name),
        made,
        {"source": "loop", "step": n},
        {"messages": n, "count": n},
    )
    saver.put_writes(config, [("other", n)], f"task-{n}")
    with acknowledged.open("a") as log:
        log.write(f"{name}\t{n}\n")
    what = chance.random()
    if what < 0.05:
        saver.prune([name])
    elif what < 0.15:
        saver.archive_thread(name)
    elif what < 0.25 and saver.archive_thread(name) == "archived":
        expire(saver, name)


def expire(saver, name):
    """Nobody else writes to it, so what is archived is all of it."""
    client = saver._connections._sync.client
    client.unlink(*saver._context.keys(name))


# --- the test ---


class Processes:
    """One of each role; `kill` ends one at once and starts another in its place."""

    def __init__(self, *arguments):
        self._mother = subprocess.Popen(
            [sys.executable, __file__, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": ":".join(path for path in sys.path if path)},
            text=True,
        )
        self._seed = 0
        self._running = {}
        self.killed = Counter()

    def start(self, role):
        self._seed += 1
        self._running[role] = self._ask(role, self._seed)

    def kill(self, role):
        assert self._ask("kill", self._running.pop(role)) == -signal.SIGKILL, "it ended by itself"
        self.killed[role] += 1

    def close(self):
        self._mother.communicate(timeout=10)

    def _ask(self, *words):
        self._mother.stdin.write("\t".join(map(str, words)) + "\n")
        self._mother.stdin.flush()
        return int(self._mother.stdout.readline())


@pytest.fixture
def processes(redis_url, postgres_dsn, tmp_path):
    processes = Processes(redis_url, postgres_dsn, tmp_path)
    yield processes
    processes.close()


@pytest.fixture
def archive(postgres_dsn):
    archive = PostgresArchive(postgres_dsn)
    archive.setup()
    yield archive
    archive.close()


def test_nothing_is_lost_or_doubled(redis_url, redis_client, archive, processes, tmp_path):
    chance = random.Random()
    for role in ROLES:
        processes.start(role)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.02, 0.4))
        role = chance.choice(ROLES)
        processes.kill(role)
        processes.start(role)
    for role in ROLES:
        processes.kill(role)
    assert [path.read_text() for path in tmp_path.glob("failed *")] == []
    assert min(processes.killed.values()) >= 2

    acknowledged = Counter()
    for line in (tmp_path / "acknowledged").read_text().splitlines():
        name, n = line.split("\t")
        acknowledged[name] = max(acknowledged[name], int(n))
    assert acknowledged.total() > 50

    with DualStoreSaver.from_conn_string(
        redis_url,
        archive=archive,
        run_archiver=False,
        archive_lease=timedelta(seconds=1),
        archive_delay=timedelta(hours=20),  # what is idle is drained, too
    ) as saver:
        assert saver.flush(20)
        assert saver.backlog() == Backlog(0, 0, 0, 0, [], None)
        assert_only_queues_last(redis_client)
        for name in THREADS:
            assert_archived(saver, archive, name, acknowledged[name])


def assert_archived(saver, archive, name, acknowledged):
    hot = found_at(saver, config_of(name))
    values = hot.checkpoint["channel_values"]
    assert values["count"] >= acknowledged
    stored = archive.messages(name)
    assert [found.row.content.split()[0] for found in stored] == [
        str(n) for n in range(1, values["count"] + 1)
    ]
    assert archive.session(name).message_count == values["count"]
    left = [found.row.key for found in stored if not found.removed_at]
    assert left == [message.id for message in values["messages"]]
    expire(saver, name)
    assert_same([found_at(saver, config_of(name))], [hot])


def assert_only_queues_last(client):
    for key in client.keys("*"):
        assert client.ttl(key) > 0 or key.startswith(b"langgraph:state:queue:"), key


if __name__ == "__main__":
    main()

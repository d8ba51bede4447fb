"""Processes that write to a server until they are killed, in the middle of whatever they do.

Run as a program it waits for lines on its standard input, forks a writer for each and
says its process id: a new interpreter for each would take a second to start.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from conversations import message
from raw_checkpoints import config_of, put

from langgraph_dualstore import DualStoreSaver

THREADS = ["one", "two", "shallow"]
LIFETIME = 20.0


class WritingProcesses:
    """Starts writers; `kill` ends one at once."""

    def __init__(self, url: str) -> None:
        self._mother = subprocess.Popen(
            [sys.executable, __file__, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._started = 0

    def start(self) -> int:
        assert self._mother.stdin
        assert self._mother.stdout
        self._started += 1
        self._mother.stdin.write(b"%d\n" % self._started)
        self._mother.stdin.flush()
        return int(self._mother.stdout.readline())

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        assert self._mother.stdout
        assert int(self._mother.stdout.readline()) == pid, "the writer ended by itself"

    def close(self) -> None:
        self._mother.communicate()


@contextlib.contextmanager
def writing_processes(url: str) -> Iterator[WritingProcesses]:
    processes = WritingProcesses(url)
    try:
        yield processes
    finally:
        processes.close()


def write(url: str, seed: int) -> None:
    """Go on with three threads; each state tells how many messages it must have."""
    chance = random.Random(seed)
    full = DualStoreSaver.from_conn_string(url)
    shallow = DualStoreSaver.from_conn_string(url, keep_last=1)
    step = seed * 1_000_000
    end = time.monotonic() + LIFETIME
    while time.monotonic() < end:
        step += 1
        name = chance.choice(THREADS)
        ns = chance.choice(["", "", "child:1"])
        saver = shallow if name == "shallow" else full
        found = saver.get_tuple(config_of(name, ns))
        said = found.checkpoint["channel_values"]["messages"] if found else []
        if chance.random() < 0.1:
            said = said[len(said) // 2 :]
        said = [*said, message(step)]
        parent = found.config if found else None
        values = {"messages": said, "count": len(said)}
        config = put(saver, step, values, thread_id=name, ns=ns, parent=parent)
        saver.put_writes(config, [("count", len(said)), ("other", "x" * 200)], f"task-{step}")
        what = chance.random()
        if what < 0.03:
            saver.delete_thread(name)
        elif what < 0.06:
            saver.prune([name])
        elif what < 0.09:
            saver.copy_thread(name, chance.choice(["copy", "two"]))
        elif what < 0.12:
            saver.extend_ttl(name, 90_000)


def main() -> None:
    url = sys.argv[1]
    children: list[int] = []
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            write(url, int(line))
            os._exit(0)
        children.append(child)
        say(child)
        os.waitpid(child, 0)
        say(child)


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

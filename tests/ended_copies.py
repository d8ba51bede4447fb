"""A copy by the command that is ended twice and goes on."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from typing import Any

from command_line import run, start
from raw_checkpoints import put

COUNT = 150
"""How many threads are copied, named by their numbers."""


def fill(source: Any) -> None:
    """Put the threads, of three checkpoints each with a pending write."""
    for number in range(COUNT):
        parent = None
        for n in range(1, 4):
            parent = put(source, n, {"n": n}, thread_id=str(number), parent=parent)
            source.put_writes(parent, [("n", n)], "task")


def end_it_twice_and_go_on(copy: Callable[..., Any], redis_client: Any) -> None:
    """Interrupt a copy, kill the next one and let a third end.

    Args:
        copy: Runs the command as `begin` does, one of `command_line`'s functions.
        redis_client: The target's Redis, which holds nothing else.
    """
    with copy(begin=start) as process:
        _begun(redis_client, process, 3)
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "not looked at" in printed
    assert "Traceback" not in said
    there = len(redis_client.keys("*:head"))
    with copy(begin=start) as process:
        _begun(redis_client, process, there + 1)
        process.kill()
    there = len(redis_client.keys("*:head"))
    assert there < COUNT
    done = copy(begin=run)
    assert done.returncode == 0, done.stderr
    copied, already = (int(number) for number in re.findall(r"\b\d+(?= th)", done.stdout))
    assert copied + already == COUNT
    assert there - 1 <= already <= there


def _begun(redis_client: Any, process: Any, count: int) -> None:
    """Wait until so many threads are there."""
    until = time.monotonic() + 30
    while len(redis_client.keys("*:head")) < count:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until

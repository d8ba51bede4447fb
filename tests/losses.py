"""Ways in which what a process believes to be on a server comes to be gone."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis
from stored_threads import shorten

from langgraph_dualstore import DualStoreSaver

Loss = Callable[[redis.Redis, DualStoreSaver], object]
"""Is given a plain client and another saver on the same server."""


def _expire(client: redis.Redis, another: DualStoreSaver) -> None:
    shorten(client, 0.05)
    time.sleep(0.1)


def _begin_anew(client: redis.Redis, another: DualStoreSaver) -> None:
    from conversations import talk  # noqa: PLC0415 # It needs raw_checkpoints, which tests import.

    another.delete_thread("thread")
    talk(another, 3)


WHOLE: dict[str, Loss] = {
    # Not FLUSHALL: the other databases of a user's own server are no test's to erase.
    "FLUSHDB": lambda client, another: client.flushdb(),
    "FLUSHDB and SCRIPT FLUSH": lambda client, another: (client.flushdb(), client.script_flush()),
    "DEL": lambda client, another: [client.delete(key) for key in client.keys("langgraph:*")],
    "expiry": _expire,
    "delete_thread": lambda client, another: another.delete_thread("thread"),
    "prune delete": lambda client, another: another.prune(["thread"], strategy="delete"),
    "delete_for_runs": lambda client, another: another.delete_for_runs(["run"]),
}
"""Nothing of the thread is left."""

PARTS: dict[str, Loss] = {
    "eviction of the head": lambda client, another: client.delete("langgraph:state:{thread}:head"),
    "eviction of the log": lambda client, another: client.delete("langgraph:state:{thread}:log"),
    "eviction of the checkpoints": lambda client, another: client.delete(
        "langgraph:state:{thread}:checkpoints"
    ),
    "eviction of the writes": lambda client, another: client.delete(
        "langgraph:state:{thread}:writes"
    ),
    "eviction of two": lambda client, another: client.delete(
        "langgraph:state:{thread}:log", "langgraph:state:{thread}:checkpoints"
    ),
    "eviction of three": lambda client, another: client.delete(
        "langgraph:state:{thread}:log",
        "langgraph:state:{thread}:checkpoints",
        "langgraph:state:{thread}:head",
    ),
}
"""Something of the thread is left, for Redis may evict keys if it is configured to."""

REPLACED: dict[str, Loss] = {
    "prune": lambda client, another: another.prune(["thread"]),
    "prune twice": lambda client, another: (another.prune(["thread"]), another.prune(["thread"])),
    "delete and begin anew": _begin_anew,
    "copy over it": lambda client, another: another.copy_thread("other", "thread"),
}
"""Another saver has put something else in its place."""

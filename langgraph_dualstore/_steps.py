"""The steps of which operations are made.

An operation is a generator: it yields steps, each one an atomic exchange with a store,
receives the reply, and returns the result. It does no I/O, so the same operation serves
the sync and the async API, and can be tested by playing replies to it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from langgraph_dualstore.hot.keys import QueueKeys, ThreadKeys
from langgraph_dualstore.hot.scripts import QUEUE_ARM, Script

Argument = bytes | str | int


class Due(NamedTuple):
    """That a thread is to be archived, and when.

    Attributes:
        queue: The key of the queue's due threads.
        wait: In how many milliseconds.
        thread: The thread, as it is queued.
    """

    queue: bytes
    wait: int
    thread: bytes


class RunScript(NamedTuple):
    """Run a script on the keys of a thread, or of a queue; the reply is the script's.

    With `due`, the thread is queued by the same script, where the queue is on the same
    server; in a cluster it is queued before the script is run. Either way no thread is
    written to that is not queued.
    """

    script: Script
    keys: ThreadKeys | QueueKeys | tuple[bytes, ...]
    args: tuple[Argument, ...] = ()
    due: Due | None = None


class Unlink(NamedTuple):
    """Remove a thread's keys; the reply is how many there were."""

    keys: ThreadKeys


class TimeLeft(NamedTuple):
    """Ask for a thread's remaining life; the reply is Redis' PTTL of its head."""

    keys: ThreadKeys


ABSENT = -2
"""What Redis answers to PTTL if the key is not there."""

NO_EXPIRY = -1
"""What it answers if the key does not expire."""


class Scan(NamedTuple):
    """Look at about `keys` keys of one server; the reply is where to go on, and keys.

    That is a node and a cursor: a cluster's nodes come one after the other. An empty node and
    the cursor 0 say that all keys have been looked at.
    """

    pattern: bytes
    node: str = ""
    cursor: int = 0
    keys: int = 1000


class AskArchive(NamedTuple):
    """Call a method of the `ArchiveHook`; the reply is what it returns."""

    method: Literal[
        "marks",
        "archive",
        "restore",
        "delete",
        "sessions",
        "find_sessions",
        "messages",
        "turns",
        "erase",
        "purge",
        "report",
    ]
    args: tuple[Any, ...]
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed


HotStep = RunScript | Unlink | TimeLeft
"""A step on the keys of one thread, or of one queue."""


class Together(NamedTuple):
    """Take steps of which none depends on another, for many threads; the reply is theirs."""

    steps: Sequence[HotStep]


Step = HotStep | Scan | Together | AskArchive

_T = TypeVar("_T")

Operation = Generator[Step, Any, _T]
"""Yields steps, is sent their replies, returns a `_T`."""


def queue_first(due: Due) -> RunScript:
    """Return the step that queues a thread, for a cluster."""
    return RunScript(QUEUE_ARM, (due.queue,), (due.wait, due.thread))


def node_after(nodes: Sequence[str], node: str) -> tuple[str, str]:
    """Return the node of a cluster to look at, and the one after it, `""` if it is the last.

    Args:
        nodes: Those there are, in order.
        node: Where a scan was; the next one, if that is gone.
    """
    at = next((n for n, name in enumerate(nodes) if name >= node), len(nodes) - 1)
    return nodes[at], nodes[at + 1] if at + 1 < len(nodes) else ""


def command_of(step: HotStep, *, load: bool = False) -> tuple[Argument, ...]:
    """Return the Redis command of a step.

    Args:
        step: The step.
        load: Send a script's source instead of its digest, after a server that does not
            know it has said so; it knows it from then on.
    """
    if isinstance(step, RunScript):
        script = step.script
        named = ("EVAL", script.source) if load else ("EVALSHA", script.sha)
        keys = step.keys if step.due is None else (*step.keys, step.due.queue)
        return (*named, len(keys), *keys, *step.args)
    if isinstance(step, Unlink):
        return ("UNLINK", *step.keys)
    return ("PTTL", step.keys.head)

"""The steps of which operations are made.

An operation is a generator: it yields steps, each one an atomic exchange with a store,
receives the reply, and returns the result. It does no I/O, so the same operation serves
the sync and the async API, and can be tested by playing replies to it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple, TypeVar

from langgraph_dualstore.hot.keys import ThreadKeys
from langgraph_dualstore.hot.scripts import Script

Argument = bytes | str | int


class RunScript(NamedTuple):
    """Run a script on a thread's keys; the reply is the script's."""

    script: Script
    keys: ThreadKeys
    args: tuple[Argument, ...] = ()


class Unlink(NamedTuple):
    """Remove a thread's keys; the reply is how many there were."""

    keys: ThreadKeys


class TimeLeft(NamedTuple):
    """Ask for a thread's remaining life; the reply is Redis' PTTL of its head."""

    keys: ThreadKeys


class Scan(NamedTuple):
    """Look at some keys, or at all of a cluster; the reply is the next cursor and keys."""

    pattern: bytes
    cursor: int = 0


Step = RunScript | Unlink | TimeLeft | Scan

_T = TypeVar("_T")

Operation = Generator[Step, Any, _T]
"""Yields steps, is sent their replies, returns a `_T`."""


SCANNED = 1000
"""How many keys a server looks at for one step of a scan."""


def command_of(step: Step, *, load: bool = False) -> tuple[Argument, ...]:
    """Return the Redis command of a step.

    Args:
        step: The step.
        load: Send a script's source instead of its digest, after a server that does not
            know it has said so; it knows it from then on.
    """
    if isinstance(step, RunScript):
        script = step.script
        named = ("EVAL", script.source) if load else ("EVALSHA", script.sha)
        return (*named, len(step.keys), *step.keys, *step.args)
    if isinstance(step, Unlink):
        return ("UNLINK", *step.keys)
    if isinstance(step, TimeLeft):
        return ("PTTL", step.keys.head)
    return ("SCAN", step.cursor, "MATCH", step.pattern, "COUNT", SCANNED)

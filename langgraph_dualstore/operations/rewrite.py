"""Taking a whole thread as it is stored, and replacing it if it is still that."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from langgraph_dualstore._steps import Due, Operation, RunScript
from langgraph_dualstore.hot.keys import ANCESTOR, ThreadKeys
from langgraph_dualstore.hot.scripts import DUMP, REWRITE
from langgraph_dualstore.operations.context import Context, due_arguments

ATTEMPTS = 10
"""How often a thread that is written to meanwhile is taken anew."""


class Whole(NamedTuple):
    """A thread as it is stored.

    Attributes:
        generation: Its log's.
        revision: Counts its changes.
        members: Its checkpoints, ancestors before listed ones, older before newer.
        writes: Their pending writes.
        log: Its log.
        delta: `b"1"` if there are channels that are rebuilt from ancestors.
        journal: Which messages are not archived yet.
        archive: What is archived of it, as `operations.archive` notes it.
        logs: The logs of its turns: turn, log, turn, …
    """

    generation: bytes
    revision: int
    members: list[bytes]
    writes: list[bytes]
    log: bytes
    delta: bytes
    journal: bytes
    archive: bytes
    logs: list[bytes]


def dump(keys: ThreadKeys) -> Operation[Whole | None]:
    """Return a whole thread, `None` if it is not there."""
    reply = yield RunScript(DUMP, keys)
    return None if reply is None else Whole(*reply)


def replace(
    context: Context,
    keys: ThreadKeys,
    seen: Whole | None,
    *,
    generation: str,
    log: bytes,
    delta: bool,
    members: Collection[bytes],
    writes: Collection[bytes],
    journal: bytes = b"",
    archive: bytes = b"",
    due: Due | None = None,
) -> Operation[bool]:
    """Replace a thread that is still as it was seen, absent for `None`.

    Args:
        context: The operation's.
        keys: The thread's.
        seen: What it was made from.
        generation: The new log's.
        log: The new log.
        delta: Whether there are channels that are rebuilt from ancestors.
        members: The new checkpoints.
        writes: The new pending writes.
        journal: The new journal.
        archive: What is archived of it: the new thread as it is. Nothing to leave that as
            it was noted.
        due: When it is to be archived, if anything in it is new.

    Returns:
        Whether it was done; not if the thread has changed since.
    """
    ancestors = sum(member.startswith(ANCESTOR) for member in members)
    was = (seen.generation, seen.revision) if seen else (b"", 0)
    state = (generation, context.ttl, log, "1" if delta else "", ancestors, len(members))
    archived = (journal, archive, "1" if archive else "")
    arguments = (*was, *state, *archived, *due_arguments(due), *members, *writes)
    replaced = yield RunScript(REWRITE, keys, arguments, due)
    context.memory.forget(keys.head)
    return bool(replaced)

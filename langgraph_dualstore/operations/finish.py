"""Whether anything is left to run in a thread, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from langgraph.checkpoint.base import Checkpoint, CheckpointTuple, PendingWrite
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT, TASKS

from langgraph_dualstore.archive import Status
from langgraph_dualstore.hot.records import decode_write
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.reader import load

# Channels that exist to start tasks. Source: `langgraph.graph.state`, which names them so,
# and `langgraph._internal._constants`.
_STARTING = ("branch:", "join:", "__start__", "__pregel_")

# What in `versions_seen` stands for no node.
_NO_NODES = ("__input__", "__interrupt__")


def leaves_nothing(checkpoint: Checkpoint, metadata: Mapping[str, Any]) -> bool:
    """Tell whether a checkpoint of the root graph leaves nothing to run.

    That is so if none of the channels that were written last starts a task. A value
    that stays in a channel says nothing: sends and joins stay after they were consumed.

    In the first run of a plain Pregel a step may be taken for the last: its channels have
    any names, and no checkpoint tells of nodes that have not run. The thread is then
    archived early, and again when it has finished.
    """
    if metadata.get("source") == "input":
        return False
    seen = [
        versions for node, versions in checkpoint["versions_seen"].items() if node not in _NO_NODES
    ]
    updated = checkpoint.get("updated_channels")
    if updated is None:
        return next(_unseen(checkpoint, seen), None) is None
    # A plain Pregel's nodes are started by channels of any name: those seen by any node.
    started = {channel for versions in seen for channel in versions}
    return not any(name in started or name.startswith(_STARTING) for name in updated)


def _unseen(checkpoint: Checkpoint, seen: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the channels that start tasks and hold what none has seen.

    An update of the state from outside does not say what it wrote.
    """
    seen = list(seen)
    for name in checkpoint["channel_values"]:
        if name == TASKS:
            continue
        version = checkpoint["channel_versions"].get(name)
        by_nodes = [versions[name] for versions in seen if name in versions]
        if not by_nodes and not name.startswith(_STARTING):
            continue
        if version is not None and all(by_node < version for by_node in by_nodes):
            yield name


def is_finished(context: Context, found: CheckpointTuple) -> bool:
    """Tell whether a root checkpoint finishes its thread, by the user's rule or LangGraph's."""
    rule = context.settings.is_finished
    if rule is not None:
        return bool(rule(found))
    return leaves_nothing(found.checkpoint, found.metadata)


def pending(context: Context, thread_id: str, members: Iterable[bytes]) -> list[PendingWrite]:
    """Return a checkpoint's writes as `status_of` takes them.

    Only a rule of the user's is shown their values.
    """
    every = context.settings.is_finished is not None
    writes = (decode_write(member, thread_id) for member in members)
    return [
        (write.task_id, write.channel, load(context, thread_id, write.value) if every else None)
        for write in writes
    ]


def status_of(context: Context, newest: CheckpointTuple | None) -> Status:
    """Return how a thread stands.

    Args:
        context: The operation's.
        newest: The newest checkpoint of the root graph with its pending writes, `None` if
            there is none.
    """
    if newest is None:
        return "idle"
    written = {channel for _, channel, _ in newest.pending_writes or ()}
    if INTERRUPT in written:
        return "interrupted"
    if ERROR in written:
        return "error"
    return "finished" if is_finished(context, newest) else "idle"

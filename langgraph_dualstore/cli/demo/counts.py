"""Counting conversations: as they were recorded, and as a saver gives them back.

`archived_counts` counts them as the archive has them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from langgraph_dualstore.cli.demo.dialogs import Dialog, role_of


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What some conversations come to.

    Attributes:
        conversations: How many have a message.
        messages: Their messages.
        roles: The same by role: user, assistant, tool.
        turns: How often a user's message set them going.
        tool_calls: The calls that assistant messages ask for.
    """

    conversations: int
    messages: int
    roles: dict[str, int]
    turns: int
    tool_calls: int


def recorded_counts(dialogs: Iterable[Dialog]) -> Counts:
    """Count recorded conversations."""
    dialogs = list(dialogs)
    messages = [message for dialog in dialogs for message in dialog.messages]
    return Counts(
        conversations=sum(bool(dialog.messages) for dialog in dialogs),
        messages=len(messages),
        roles=dict(Counter(message["role"] for message in messages)),
        turns=sum(len(dialog.questions) for dialog in dialogs),
        tool_calls=sum(len(message.get("tool_calls", ())) for message in messages),
    )


@dataclass(frozen=True, kw_only=True)
class StoredCounts(Counts):
    """What a saver gives back of some conversations.

    Attributes:
        checkpoints: How many it lists.
    """

    checkpoints: int


def stored_counts(saver: BaseCheckpointSaver[Any], thread_ids: Iterable[str]) -> StoredCounts:
    """Read threads back, whole, and count what is in them.

    Messages are those of a thread's newest checkpoint. A turn is a checkpoint that
    holds a user's input.
    """
    conversations = messages = turns = tool_calls = checkpoints = 0
    roles: Counter[str] = Counter()
    for thread_id in thread_ids:
        listed = list(saver.list({"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}))
        checkpoints += len(listed)
        turns += sum(found.metadata.get("source") == "input" for found in listed)
        if not listed:
            continue
        stored = listed[0].checkpoint["channel_values"].get("messages", [])
        conversations += bool(stored)
        messages += len(stored)
        roles.update(map(role_of, stored))
        tool_calls += sum(len(getattr(message, "tool_calls", ())) for message in stored)
    return StoredCounts(
        conversations=conversations,
        messages=messages,
        roles=dict(roles),
        turns=turns,
        tool_calls=tool_calls,
        checkpoints=checkpoints,
    )


def differences(recorded: Counts, found: Counts, how: str) -> Iterator[str]:
    """Yield what was not found as it was recorded, a phrase for each.

    Args:
        recorded: What there should be.
        found: What there is.
        how: How it was found, in a word.
    """
    for (name, was), (_, is_) in zip(rows(recorded), rows(found), strict=True):
        if was != is_:
            yield f"{name.strip()}: {was:,} recorded, {is_:,} {how}"


def rows(counts: Counts) -> Iterator[tuple[str, int]]:
    """Yield each count and its name, in the order in which they are shown."""
    yield "conversations", counts.conversations
    yield "messages", counts.messages
    for role in ("user", "assistant", "tool"):
        yield f"  {role}", counts.roles.get(role, 0)
    yield "turns", counts.turns
    yield "tool calls", counts.tool_calls

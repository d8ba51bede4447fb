"""Which turn the messages of a state belong to, counted as the archive counts them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langgraph_dualstore.cold.facts import turn_of
from langgraph_dualstore.cold.kinds import take_apart
from langgraph_dualstore.errors import UnknownMessageType


def turns_of(messages: Iterable[Any]) -> list[int]:
    """Return the turn of each message: the one that it names, else one more for each user's.

    What comes before any user's message is turn 0. See `cold.numbering`.
    """
    turns: list[int] = []
    newest = 0
    for message in messages:
        try:
            parts = take_apart(message)
        except UnknownMessageType:
            turns.append(newest)
            continue
        named = turn_of(parts.attributes)
        turns.append(newest + (parts.role == "user") if named is None else named)
        newest = max(newest, turns[-1])
    return turns


def ranges_of(turns: Iterable[int]) -> dict[str, dict[str, int]]:
    """Return where each turn's first and last message are."""
    ranges: dict[str, dict[str, int]] = {}
    for at, turn in enumerate(turns):
        ranges.setdefault(str(turn), {"start_msg_idx": at})["end_msg_idx"] = at
    return ranges

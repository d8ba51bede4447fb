"""Which position and which turn each message of a session has, and what else that changes.

Positions are 0, 1, 2, … in the order in which messages were first archived. A message
belongs to the turn that it names, else to the newest one; one of a user begins the next
turn. What comes before any user's message is turn 0. A turn that a message names counts as
begun, so that counted turns never go back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from langgraph_dualstore.archive import MessageRow
from langgraph_dualstore.cold.texts import name

Name = tuple[str, str]
"""A message's channel and key, as the store has them."""

_LAST_TURN = (1 << 31) - 1  # PostgreSQL's greatest integer


class Known(NamedTuple):
    """A message that the store has.

    Attributes:
        id: The row's.
        token_count: Its tokens, if they are known.
        removed_at: When it was removed, if it was.
    """

    id: int
    token_count: int | None
    removed_at: datetime | None


class Placed(NamedTuple):
    """A message that the store does not have."""

    row: MessageRow
    position: int
    turn: int
    removed_at: datetime | None


class Edited(NamedTuple):
    """A message that the store has, in a newer version."""

    id: int
    row: MessageRow
    removed_at: datetime | None


class Span(NamedTuple):
    """Where a turn's messages are, and when its first one was created."""

    start: int
    end: int
    created_at: datetime


@dataclass
class Numbered:
    """What an archive changes in a session's messages and counters.

    Attributes:
        message_count: How many messages there are then.
        turn_count: The greatest turn then.
        tokens: What is added to the sum of tokens, `None` if no count is among the new ones.
        recount: Whether that sum must be made anew, since a count is known no longer.
        new: The messages to add.
        edited: The messages to replace.
        removals: When messages were removed, `None` for one that is back, by their rows' ids.
        spans: The turns that have more messages then.
    """

    message_count: int
    turn_count: int
    tokens: int | None = None
    recount: bool = False
    new: list[Placed] = field(default_factory=list)
    edited: list[Edited] = field(default_factory=list)
    removals: dict[int, datetime | None] = field(default_factory=dict)
    spans: dict[int, Span] = field(default_factory=dict)


def number(
    rows: Iterable[MessageRow],
    present: Mapping[str, Collection[str]],
    known: Mapping[Name, Known],
    *,
    message_count: int,
    turn_count: int,
    now: datetime,
) -> Numbered:
    """Return what changes in a session.

    Args:
        rows: The messages that were written, in order. Of those with the same name the last
            one counts, in the place of the first.
        present: For each channel in which messages may have been removed, those that are left.
        known: Those of these messages that the store has, and all of these channels.
        message_count: How many messages the session has.
        turn_count: Its greatest turn.
        now: When messages that are not present were removed.
    """
    result = Numbered(message_count=message_count, turn_count=turn_count)
    left = {name(channel): set(map(name, keys)) for channel, keys in present.items()}
    written: dict[Name, MessageRow] = {}
    for row in rows:
        written[name(row.channel), name(row.key)] = row
    for (channel, key), row in written.items():
        gone = channel in left and key not in left[channel]
        old = known.get((channel, key))
        if old is None:
            _place(result, row, now if gone else None)
        else:
            result.edited.append(Edited(old.id, row, (old.removed_at or now) if gone else None))
            result.recount |= old.token_count is not None and row.token_count is None
            _count_tokens(result, row.token_count, old.token_count)
    for (channel, key), old in known.items():
        if channel in left and (channel, key) not in written:
            gone = key not in left[channel]
            if gone != (old.removed_at is not None):
                result.removals[old.id] = now if gone else None
    return result


def _place(result: Numbered, row: MessageRow, removed_at: datetime | None) -> None:
    turn = row.turn
    if turn is None:
        turn = min(result.turn_count + (row.role == "user"), _LAST_TURN)
    result.turn_count = max(result.turn_count, turn)
    position = result.message_count
    result.message_count += 1
    result.new.append(Placed(row, position, turn, removed_at))
    span = result.spans.get(turn)
    start, created_at = (span.start, span.created_at) if span else (position, row.created_at)
    result.spans[turn] = Span(start, position, created_at)
    _count_tokens(result, row.token_count, None)


def _count_tokens(result: Numbered, new: int | None, old: int | None) -> None:
    if new is not None:
        result.tokens = (result.tokens or 0) + new - (old or 0)

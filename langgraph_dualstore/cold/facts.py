"""What a message says of itself: its key, its text, its turn, its time and its tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from langgraph_dualstore.cold.jsonable import is_storable

_LONGEST_NAME = 200  # characters of a key: any index takes as many
_COUNTS = range(1 << 63)  # PostgreSQL's bigint
_TURNS = range(-(1 << 31), 1 << 31)  # PostgreSQL's integer
_MILLISECONDS = 1e11  # as seconds, that would be after the year 5000
_YEARS = range(2, 9999)  # those that are years of Python's in every time zone


def key_of(message: Any) -> str | None:
    """Return the key of a message: its id, or the digest of one that is no good as a key.

    Returns:
        `None` if it has no id.
    """
    id_ = message.get("id") if isinstance(message, dict) else getattr(message, "id", None)
    if not isinstance(id_, str) or not id_:
        return None
    if len(id_) <= _LONGEST_NAME and is_storable(id_):
        return str.__str__(id_)
    return f"sha256:{_digest(id_)}"


def content_key(encoded: bytes, occurrence: int) -> str:
    """Return the key of a message without an id.

    Args:
        encoded: The message's bytes.
        occurrence: How many messages with the same bytes came before it.
    """
    return f"content:{hashlib.sha256(encoded).hexdigest()}:{occurrence}"


def text_of(content: Any) -> str:
    """Return the text of a message's content, as `BaseMessage.text` has it."""
    if isinstance(content, str):
        return str.__str__(content)
    if not isinstance(content, list):
        return ""
    texts: list[str] = []
    for block in content:
        text = block
        if isinstance(block, dict):
            text = block.get("text") if block.get("type") == "text" else None
        if isinstance(text, str):
            texts.append(text)
    return "".join(texts)


def turn_of(attributes: Mapping[Any, Any]) -> int | None:
    """Return the turn that a message names, `None` if it names none that can be stored."""
    turn = attributes.get("turn")
    return turn if type(turn) is int and turn in _TURNS else None


def tokens_of(attributes: Mapping[Any, Any]) -> int | None:
    """Return the total of a message's usage, `None` if it has none."""
    usage = attributes.get("usage_metadata")
    return as_count(usage.get("total_tokens")) if isinstance(usage, dict) else None


def as_count(tokens: Any) -> int | None:
    """Return a number of tokens, `None` if it is none or cannot be stored."""
    return tokens if type(tokens) is int and tokens in _COUNTS else None


def moment_of(attributes: Mapping[Any, Any]) -> datetime | None:
    """Return the time that a message's timestamp means, in UTC.

    It may be an ISO text, a datetime, or seconds or milliseconds since 1970. Without a zone
    it is in UTC.

    Returns:
        `None` if it means no time, or one in a year that cannot be stored.
    """
    timestamp = attributes.get("timestamp")
    if timestamp is None:
        return None
    try:
        if isinstance(timestamp, str):
            moment = datetime.fromisoformat(timestamp)
        elif isinstance(timestamp, datetime):
            moment = timestamp
        elif type(timestamp) is int or type(timestamp) is float:
            seconds = timestamp if abs(timestamp) < _MILLISECONDS else timestamp / 1000
            moment = datetime.fromtimestamp(seconds, UTC)
        else:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.year in _YEARS else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

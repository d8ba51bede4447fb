"""Texts and JSON as PostgreSQL can store them; names as its indexes can."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_DIGEST = 16  # hexadecimal digits: nobody has 2**32 names that look the same
_DEPTH = 100

NAME_LENGTH = 200
"""Characters of a name in an index. An entry holds 2.7 kB, a character up to 4 bytes."""

_dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def thread_key(thread_id: str) -> bytes:
    """Return what a thread is found by: a digest, as an id may have any length."""
    return hashlib.sha256(_exact(thread_id)).digest()


def exact_bytes(thread_id: str) -> bytes | None:
    """Return an id's bytes if text cannot hold it, else `None`."""
    return _exact(thread_id) if _UNSTORABLE.search(thread_id) else None


def storable(text: str) -> str:
    """Return a text without what PostgreSQL refuses; two that differ stay different."""
    if not _UNSTORABLE.search(text):
        return text
    return f"{_UNSTORABLE.sub(_REPLACEMENT, text)}#{_digest(text)}"


def name(text: str) -> str:
    """Return a text that an index can hold as well; two that differ stay different."""
    if len(text) <= NAME_LENGTH:
        # Ids are ASCII, and a bulk archive asks this of each message several times.
        if text.isascii() and "\0" not in text:
            return text
        return storable(text)
    start = text[: NAME_LENGTH - 1 - _DIGEST]
    return f"{_UNSTORABLE.sub(_REPLACEMENT, start)}#{_digest(text)}"


def _exact(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(text: str) -> str:
    return hashlib.sha256(_exact(text)).hexdigest()[:_DIGEST]


def json_text(value: Any) -> str:
    """Return JSON that `jsonb` takes: what it refuses is replaced, not kept exact."""
    try:
        text = _dump(value)
    except (ValueError, TypeError, RecursionError):
        return _dump(_mend(value, _DEPTH))
    if "\\u0000" in text or _UNSTORABLE.search(text):
        return _dump(_mend(value, _DEPTH))
    return text


def _mend(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub(_REPLACEMENT, value)
    if (
        value is None
        or isinstance(value, int)
        or (isinstance(value, float) and math.isfinite(value))
    ):
        return value
    if not isinstance(value, Mapping | list | tuple):
        return _mend(str(value), depth)
    if not depth:
        return "\u2026"
    if isinstance(value, Mapping):
        return {_mend(str(key), depth): _mend(item, depth - 1) for key, item in value.items()}
    return [_mend(item, depth - 1) for item in value]


def instant(at: datetime) -> datetime:
    """Return a time with its zone: without one, PostgreSQL would take it for the session's."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)

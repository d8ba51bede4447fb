"""Where a list of threads goes on, as one opaque text."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, NamedTuple

from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.hot.keys import encode_text

_DIGEST = 6  # bytes: of some hundred threads, no two have the same
_CURSORS = range(1 << 64)


class HotPlace(NamedTuple):
    """A place in Redis.

    Attributes:
        node: A cluster's node, else `""`.
        cursor: Redis' own.
        listed: Digests of the threads at this place that were listed already. Redis tells
            no place between two keys; asked again, it gives those that are still to be
            listed and perhaps these.
    """

    node: str = ""
    cursor: int = 0
    listed: frozenset[bytes] = frozenset()


class ColdPlace(NamedTuple):
    """A place in the archive: its own cursor, `None` for its beginning."""

    after: str | None = None


Place = HotPlace | ColdPlace


def digest(thread_id: str) -> bytes:
    """Return what stands for a thread in a cursor."""
    return hashlib.blake2b(encode_text(thread_id), digest_size=_DIGEST).digest()


def encode_cursor(place: Place) -> str:
    """Return a place as a text that is safe in a URL."""
    spelled: list[Any]
    if isinstance(place, HotPlace):
        listed = base64.b64encode(b"".join(sorted(place.listed))).decode()
        spelled = ["hot", place.node, place.cursor, listed]
    else:
        spelled = ["cold", place.after]
    return base64.urlsafe_b64encode(json.dumps(spelled).encode()).decode().rstrip("=")


def decode_cursor(text: str | None) -> Place:
    """Return the place that a text is, the first one for `None`.

    Raises:
        ConfigurationError: It is none.
    """
    if text is None:
        return HotPlace()
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        match json.loads(base64.b64decode(padded, altchars=b"-_", validate=True)):
            case ["hot", str(node), int(cursor), str(listed)] if (
                type(cursor) is int and cursor in _CURSORS
            ):
                digests = base64.b64decode(listed, validate=True)
                parts = range(0, len(digests), _DIGEST)
                return HotPlace(node, cursor, frozenset(digests[n : n + _DIGEST] for n in parts))
            case ["cold", None | str() as after]:
                return ColdPlace(after)
            case _:
                pass
    except (ValueError, AttributeError, TypeError):
        pass
    raise ConfigurationError("after must be the `next` of a page of list_threads, or None")

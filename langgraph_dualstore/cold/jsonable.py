r"""Any value as JSON that PostgreSQL's `jsonb` gives back unchanged, and back again.

What JSON and `jsonb` carry stays as it is, to be queried. Anything else becomes a tag, an
object whose only key begins with `$`:

    {"$text": …}      text with NUL or lone surrogates, which `jsonb` refuses; base64
    {"$float": "nan"} a float that `numeric` would change: exponents, -0.0, nan, inf
    {"$int": …}       an integer of more than 64 bits, in hexadecimal
    {"$bytes": …}     base64
    {"$tuple": […]}, {"$datetime": …}, {"$uuid": …}, {"$decimal": …}
    {"$dict": [[key, value], …]}  a dict with other keys than ordinary texts, or like a tag
    {"$serde": [type, data]}      whatever else there is, as the serializer has it; base64

Everything comes back equal, except within `$serde`, where it comes back as the serializer
revives it. Subclasses of `str`, `int`, `list` and `dict` come back as these, which they
equal and which is what msgpack makes of them; those that are enumerations are left to the
serializer.

Source for what `jsonb` changes: https://www.postgresql.org/docs/current/datatype-json.html
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from itertools import islice
from types import NoneType
from typing import Any
from uuid import UUID

import ormsgpack
from langgraph.checkpoint.serde.base import SerializerProtocol

_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

try:  # langchain-core brings it along, on most platforms
    import orjson
except ImportError:
    _fast_json: Callable[[Any], str] = _json
    _fast_loads: Callable[[str], Any] = json.loads

    def plain_text(value: Any) -> str | None:  # noqa: ARG001
        """Return `None`: there is no quick way."""
        return None
else:
    _fast_loads = orjson.loads

    def _fast_json(value: Any) -> str:
        return orjson.dumps(value).decode()

    def plain_text(value: Any) -> str | None:
        """Return the JSON of a dict or a list if JSON and `jsonb` carry all of it, else `None`.

        Looking at the values one by one takes several times as long. No name in it begins
        with `$`, and it can be stored.
        """
        try:
            # One takes bytes and the other tuples, identifiers and enumerations: what both
            # take is of JSON's types, and of no class of its own.
            packed = ormsgpack.packb(value, option=_BUILT_IN)
            text = orjson.dumps(value)
        except (ValueError, TypeError):
            return None
        if b"\\u0000" in text or (b"$" in text and _TAG.search(text)):
            return None
        if _FLOAT in packed and (
            b"-0.0" in text or _EXPONENT.search(text) or orjson.loads(text) != value
        ):
            return None  # nan has become null
        return text.decode()


# In JSON: a float with an exponent, a name like that of a tag. What only looks so is harmless,
# but takes longer; an id in hexadecimal does not, as no quote follows a number.
_EXPONENT = re.compile(rb"e[-+]?\d+[],}]")
_TAG = re.compile(rb'"\$(?:[^"\\]|\\.)*":')
# What every float begins with in MessagePack; it is in few texts that have none.
# Source: https://github.com/msgpack/msgpack/blob/master/spec.md
_FLOAT = b"\xcb"
_BUILT_IN = (
    ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_UUID
)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_LEAST = -(1 << 63)
_GREATEST = (1 << 64) - 1
# Deeper values are left to the serializer. A tag adds up to three levels; the reader may be
# a parser that takes no more than 254, as orjson does.
_DEPTH = 60
_NOT_AS_WRITTEN = (TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError)
# What reading them may do: run whatever was pickled, and load LangChain objects.
_REFUSED = frozenset({"pickle", "json"})


def plain_copy(value: Any) -> Any:
    """Return a copy of what `plain_text` has a text for, else `None`."""
    text = plain_text(value)
    return None if text is None else _fast_loads(text)


def is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can store a text: it holds no NUL and no lone surrogate."""
    if "\0" in text:
        return False
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return True


def as_storable(text: str) -> str:
    """Return a text with a replacement character for each that PostgreSQL cannot store."""
    return _UNSTORABLE.sub(_REPLACEMENT, text)


def dumps(encoded: Mapping[str, Any], serde: SerializerProtocol) -> str:
    """Return what `encode` made as a JSON text that `jsonb` accepts.

    Others may have changed it meanwhile: what is not encoded is encoded now, without
    taking what looks like a tag for anything else.
    """
    try:
        text = _fast_json(encoded)
    except (TypeError, ValueError):
        return _json(_mend(encoded, serde))
    if "\\u0000" not in text and is_storable(text):
        return text
    return _json(_mend(encoded, serde))


def _mend(value: Any, serde: SerializerProtocol) -> Any:
    if isinstance(value, Mapping):
        return {as_storable(str(key)): _mend(item, serde) for key, item in value.items()}
    if type(value) is list:
        return [_mend(item, serde) for item in value]
    return encode(value, serde)


def encode(value: Any, serde: SerializerProtocol, depth: int = 0) -> Any:
    """Return a value as JSON that `jsonb` gives back unchanged. Nothing of it is shared.

    Args:
        value: Anything that the serializer can carry.
        serde: Takes what there is no tag for.
        depth: How deep in another value this one is.

    Raises:
        ValueError: The serializer would pickle it, or cannot carry it.
    """
    kind = type(value)
    if kind is str:
        return value if is_storable(value) else {"$text": _from_text(value)}
    if kind in _ENCODERS:
        return _ENCODERS[kind](value)
    if depth >= _DEPTH:
        return hand_over(value, serde)
    if kind is dict or kind is list:
        copy = plain_copy(value) if value and depth == 0 else None
        return _encode_container(value, serde, depth) if copy is None else copy
    return _encode_other(value, serde, depth)


def _encode_container(
    value: dict[Any, Any] | list[Any], serde: SerializerProtocol, depth: int
) -> Any:
    if type(value) is dict:
        return _encode_dict(value, serde, depth + 1)
    return [encode(item, serde, depth + 1) for item in value]


def _encode_dict(items: dict[Any, Any], serde: SerializerProtocol, depth: int) -> Any:
    encoded: dict[str, Any] = {}
    for key, item in items.items():
        if type(key) is not str or not is_storable(key):
            return _encode_pairs(items, encoded, serde, depth)
        # Most of what there is: not worth a call.
        kind = type(item)
        if kind is str:
            plain = item.isascii() and "\0" not in item
        else:
            plain = item is None or kind is bool or (kind is int and _LEAST <= item <= _GREATEST)
        encoded[key] = item if plain else encode(item, serde, depth)
    if len(encoded) == 1 and next(iter(encoded)).startswith("$"):
        return _encode_pairs(items, encoded, serde, depth)
    return encoded


def _encode_pairs(
    items: dict[Any, Any], encoded: dict[str, Any], serde: SerializerProtocol, depth: int
) -> Any:
    """Return a dict as pairs. Some of its first items have been encoded already."""
    pairs: list[Any] = [[key, item] for key, item in encoded.items()]
    for key, item in islice(items.items(), len(pairs), None):
        pairs.append([encode(key, serde, depth), encode(item, serde, depth)])
    return {"$dict": pairs}


def _encode_int(value: int) -> Any:
    return value if _LEAST <= value <= _GREATEST else {"$int": f"{value:x}"}


def _encode_float(value: float) -> Any:
    spelled = repr(value)
    changed = "e" in spelled or "n" in spelled or spelled == "-0.0"
    return {"$float": spelled} if changed else value


def _encode_other(value: Any, serde: SerializerProtocol, depth: int) -> Any:
    if type(value) is tuple:
        return {"$tuple": [encode(item, serde, depth + 1) for item in value]}
    if not isinstance(value, Enum):
        if isinstance(value, str):
            return encode(str.__str__(value), serde, depth)
        if isinstance(value, int):
            return encode(int.__index__(value), serde, depth)
        if isinstance(value, dict):
            return _encode_dict(value, serde, depth + 1)
        if isinstance(value, list):
            return [encode(item, serde, depth + 1) for item in value]
    return hand_over(value, serde)


def hand_over(value: Any, serde: SerializerProtocol) -> Any:
    """Return a value as the serializer has it, whatever it is.

    Raises:
        ValueError: The serializer would pickle it, or cannot carry it.
    """
    try:
        type_, data = serde.dumps_typed(value)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"a {type(value).__name__} cannot be archived: {error}") from error
    if type_.partition("+")[0] in _REFUSED:
        raise ValueError(f"a {type(value).__name__} cannot be archived without {type_}")
    return {"$serde": [type_, _from_bytes(data)]}


def decode(value: Any, serde: SerializerProtocol) -> Any:
    """Return the value that `encode` was given. Nothing of the JSON is shared.

    Raises:
        ValueError: `encode` has not written this.
    """
    try:
        return _decode(value, serde)
    except _NOT_AS_WRITTEN as error:
        raise ValueError(f"not as it was written: {error}") from error


def _decode(value: Any, serde: SerializerProtocol) -> Any:
    kind = type(value)
    if kind is dict:
        if len(value) == 1:
            [(tag, payload)] = value.items()
            if tag.startswith("$"):
                return _decode_tag(tag, payload, serde)
        return {key: _decode(item, serde) for key, item in value.items()}
    if kind is list:
        return [_decode(item, serde) for item in value]
    return value


def _decode_tag(tag: str, payload: Any, serde: SerializerProtocol) -> Any:
    if tag == "$tuple":
        return tuple(_decode(item, serde) for item in payload)
    if tag == "$dict":
        return {_decode(key, serde): _decode(item, serde) for key, item in payload}
    if tag == "$serde":
        type_, data = payload
        if type_.partition("+")[0] in _REFUSED:
            raise ValueError(f"{type_} is not read from an archive")
        return serde.loads_typed((type_, _to_bytes(data)))
    if type(payload) is not str:
        raise ValueError(f"{tag} of a {type(payload).__name__}")
    return _DECODERS[tag](payload)


def _from_bytes(value: bytes) -> str:
    return b64encode(value).decode()


def _to_bytes(value: str) -> bytes:
    return b64decode(value, validate=True)


def _from_text(value: str) -> str:
    return _from_bytes(value.encode("utf-8", "surrogatepass"))


def _to_text(value: str) -> str:
    return _to_bytes(value).decode("utf-8", "surrogatepass")


def _to_int(value: str) -> int:
    return int(value, 16)


def _spelled(tag: str, spell: Callable[[Any], str]) -> Callable[[Any], Any]:
    return lambda value: {tag: spell(value)}


_ENCODERS: dict[type, Callable[[Any], Any]] = {
    bool: bool,
    NoneType: lambda value: value,
    int: _encode_int,
    float: _encode_float,
    bytes: _spelled("$bytes", _from_bytes),
    datetime: _spelled("$datetime", datetime.isoformat),
    UUID: _spelled("$uuid", str),
    Decimal: _spelled("$decimal", str),
}
_DECODERS: dict[str, Callable[[str], Any]] = {
    "$text": _to_text,
    "$float": float,
    "$int": _to_int,
    "$bytes": _to_bytes,
    "$datetime": datetime.fromisoformat,
    "$uuid": UUID,
    "$decimal": Decimal,
}

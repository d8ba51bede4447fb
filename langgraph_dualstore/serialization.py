"""What the serializer gives, faster where that is safe.

Every value goes through the saver's serializer. For `JsonPlusSerializer` and the four
message classes that conversations are made of there is a shorter way to the very same
bytes and objects: a message is encoded from its `__dict__` and revived by filling it,
without pydantic dumping and validating what it has validated before. The short way is
taken only for messages on which dumping and validating change nothing; everything
else (subclasses, chunks, pydantic artifacts, other serializers) takes the ordinary one.

The rules below hold for the validators that langchain-core has today. A class whose
fields or validators are not those, and a serializer that does not treat sample messages
as the short way does, loses its short way, never its exactness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import ormsgpack
import xxhash
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import EXT_PYDANTIC_V2, JsonPlusSerializer

Fields = dict[str, Any]

# The options with which JsonPlusSerializer packs, so that what it hands to its fallback
# (and what we leave to it) is the same.
_PACK = (
    ormsgpack.OPT_NON_STR_KEYS
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_UUID
    | ormsgpack.OPT_REPLACE_SURROGATES
)
_UNPACK = ormsgpack.OPT_NON_STR_KEYS
_SUFFIX = ormsgpack.packb("model_validate_json")
_set = object.__setattr__
_new: Callable[[type[BaseMessage]], BaseMessage] = object.__new__


class Fingerprint(NamedTuple):
    """Tells whether the first messages of a list are still what they were.

    Attributes:
        size: The number of bytes that these messages come to.
        digest: Their digest.
    """

    size: int
    digest: bytes


class Codec:
    """Encodes and decodes values as one serializer does.

    Args:
        serde: The serializer. Whether the short way is safe with it is found out once,
            here.
    """

    def __init__(self, serde: SerializerProtocol) -> None:
        self.serde = serde
        self._shapes = _shapes_of(serde)
        self._revivable = {(shape.module, shape.name): shape for shape in self._shapes.values()}

    @property
    def splits_lists(self) -> bool:
        """Whether a list's bytes are a header and then its elements' bytes, one by one."""
        return type(self.serde) is JsonPlusSerializer

    def dumps(self, value: Any) -> tuple[str, bytes]:
        """Return what `serde.dumps_typed(value)` returns."""
        if self._shapes:
            if type(value) in self._shapes:
                encoded = self._encode_message(value)
                if encoded is not None:
                    return "msgpack", encoded
            elif type(value) is list and value and isinstance(value[0], BaseMessage):
                elements = self.dumps_messages(value)
                if elements is not None:
                    return "msgpack", list_header(len(elements)) + b"".join(elements)
        return self.serde.dumps_typed(value)

    def dumps_messages(self, messages: Sequence[Any]) -> list[bytes] | None:
        """Return each message's bytes, `None` if the list cannot be stored that way."""
        if not self.splits_lists:
            return None
        elements: list[bytes] = []
        for message in messages:
            encoded = self._encode_message(message)
            if encoded is None:
                if not isinstance(message, BaseMessage):
                    return None
                type_, encoded = self.serde.dumps_typed(message)
                if type_ != "msgpack":
                    return None
            elements.append(encoded)
        return elements

    def loads(self, typed: tuple[str, bytes]) -> Any:
        """Return what `serde.loads_typed(typed)` returns."""
        if typed[0] == "msgpack" and self._shapes:
            return ormsgpack.unpackb(typed[1], ext_hook=self._revive, option=_UNPACK)
        return self.serde.loads_typed((typed[0], bytes(typed[1])))

    def loads_list(self, count: int, elements: bytes) -> list[Any]:
        """Return the list of `count` elements whose bytes these are."""
        value: list[Any] = self.loads(("msgpack", list_header(count) + elements))
        return value

    def fingerprint(self, messages: Sequence[Any], known: Fingerprint | None) -> _Checked | None:
        """Check messages against an earlier fingerprint and make the new one.

        Packing the messages' fields in one call is several times cheaper than
        serializing them, sees every change at any depth, and tells `1` from `True`.

        Args:
            messages: The messages as they are now.
            known: The fingerprint of the first of them as they were.

        Returns:
            `None` if messages of these kinds have no fingerprint.
        """
        tags = self._shapes
        try:
            packed = ormsgpack.packb(
                [(tags[type(m)].tag, m.__dict__, m.__pydantic_extra__) for m in messages],
                option=_PACK,
            )[len(list_header(len(messages))) :]
        except (KeyError, TypeError):
            return None
        same = known is not None and _digest(packed[: known.size]) == known.digest
        return _Checked(same, Fingerprint(len(packed), _digest(packed)))

    def _encode_message(self, message: Any) -> bytes | None:
        shape = self._shapes.get(type(message))
        if shape is None:
            return None
        fields = message.__dict__
        if len(fields) != len(shape.fields):
            return None
        if shape.dumps_plainly is not None and not shape.dumps_plainly(fields):
            return None
        if extra := message.__pydantic_extra__:
            fields = {**fields, **extra}
        try:
            packed = shape.prefix + ormsgpack.packb(fields, option=_PACK) + _SUFFIX
        except TypeError:
            return None
        return _ext_header(len(packed)) + packed

    def _revive(self, code: int, data: bytes) -> Any:
        if code == EXT_PYDANTIC_V2:
            try:
                module, name, fields, _ = ormsgpack.unpackb(data, ext_hook=_refuse, option=_UNPACK)
                shape = self._revivable[module, name]
            except (KeyError, ValueError):
                pass
            else:
                message = shape.revive(fields)
                if message is not None:
                    return message
        # A value within this value: the serializer's own way, as it would take it.
        return self.serde.loads_typed(("msgpack", _ext_header(len(data), code) + data))


class _Checked(NamedTuple):
    """Whether the known messages are unchanged, and the fingerprint of all of them."""

    unchanged: bool
    fingerprint: Fingerprint


class _Shape(NamedTuple):
    """What the short way knows of a message class."""

    tag: int
    cls: type[BaseMessage]
    module: str
    name: str
    type: str
    fields: tuple[str, ...]
    prefix: bytes
    dumps_plainly: Callable[[Fields], bool] | None
    validates_to_itself: Callable[[Fields], bool] | None

    def revive(self, fields: Any) -> BaseMessage | None:
        """Return the message with these fields, `None` unless validating changes none."""
        names = tuple(fields)
        extra: Fields = {}
        if names != self.fields:
            own = len(self.fields)
            if names[:own] != self.fields or not all(type(name) is str for name in names):
                return None
            extra = {name: fields[name] for name in names[own:]}
            fields = {name: fields[name] for name in self.fields}
        # Spelled out rather than shared out: this runs for every message of every read.
        content, name, id_ = fields["content"], fields["name"], fields["id"]
        if not (
            (type(content) is str or _is_parts(content))
            and type(fields["additional_kwargs"]) is dict
            and type(fields["response_metadata"]) is dict
            and fields["type"] == self.type
            and (name is None or type(name) is str)
            and (id_ is None or type(id_) is str)
            and (self.validates_to_itself is None or self.validates_to_itself(fields))
        ):
            return None
        message = _new(self.cls)
        _set(message, "__dict__", fields)
        _set(message, "__pydantic_extra__", extra)
        _set(message, "__pydantic_fields_set__", set(names))
        _set(message, "__pydantic_private__", None)
        return message


# --- what dumping and validating leave as it is ---

_BASE_FIELDS = ("content", "additional_kwargs", "response_metadata", "type", "name", "id")
_TOOL_CALL = ("name", "args", "id", "type")
_TOOL_CALL_KEYS = frozenset(_TOOL_CALL)


def _is_parts(value: Any) -> bool:
    return type(value) is list and all(type(part) is str or type(part) is dict for part in value)


def _ai_dumps_plainly(fields: Fields) -> bool:
    # pydantic drops keys that a TypedDict does not have.
    for call in fields["tool_calls"]:
        if type(call) is not dict or not _TOOL_CALL_KEYS.issuperset(call):
            return False
    usage = fields["usage_metadata"]
    return not fields["invalid_tool_calls"] and (usage is None or _is_usage(usage))


def _ai_validates_to_itself(fields: Fields) -> bool:
    calls, usage = fields["tool_calls"], fields["usage_metadata"]
    if type(calls) is not list or fields["invalid_tool_calls"] != []:
        return False
    if calls:
        if not all(map(_is_tool_call, calls)):
            return False
    elif fields["additional_kwargs"].get("tool_calls"):
        return False  # langchain-core would parse the calls from there
    return usage is None or _is_usage(usage)


def _is_tool_call(call: Any) -> bool:
    return (
        type(call) is dict
        and tuple(call) == _TOOL_CALL
        and type(call["name"]) is str
        and type(call["args"]) is dict
        and all(type(key) is str for key in call["args"])
        and (call["id"] is None or type(call["id"]) is str)
        and call["type"] == "tool_call"
    )


def _in_order(keys: Iterable[str], optional: Iterable[str] = ()) -> frozenset[tuple[str, ...]]:
    """Return the orders of keys that validating leaves as they are: a TypedDict's own."""
    optional = tuple(optional)
    return frozenset(
        tuple(key for key in keys if key not in optional or key in chosen)
        for size in range(len(optional) + 1)
        for chosen in combinations(optional, size)
    )


_DETAILS = {
    "input_token_details": _in_order(
        InputTokenDetails.__annotations__, InputTokenDetails.__annotations__
    ),
    "output_token_details": _in_order(
        OutputTokenDetails.__annotations__, OutputTokenDetails.__annotations__
    ),
}
_USAGE = _in_order(UsageMetadata.__annotations__, _DETAILS)


def _is_usage(usage: Any) -> bool:
    if type(usage) is not dict or tuple(usage) not in _USAGE:
        return False
    for key, count in usage.items():
        if type(count) is not int:
            if type(count) is not dict or tuple(count) not in _DETAILS.get(key, ()):
                return False
            for detail in count.values():
                if type(detail) is not int:
                    return False
        elif key in _DETAILS:
            return False
    return True


def _tool_validates_to_itself(fields: Fields) -> bool:
    return type(fields["tool_call_id"]) is str and fields["status"] in ("success", "error")


class _Rule(NamedTuple):
    """The fields and validators under which the short way for a class is right."""

    cls: type[BaseMessage]
    fields: tuple[str, ...]
    validators: frozenset[str]
    dumps_plainly: Callable[[Fields], bool] | None = None
    validates_to_itself: Callable[[Fields], bool] | None = None


_RULES = (
    _Rule(HumanMessage, _BASE_FIELDS, frozenset()),
    _Rule(SystemMessage, _BASE_FIELDS, frozenset()),
    _Rule(
        AIMessage,
        (*_BASE_FIELDS, "tool_calls", "invalid_tool_calls", "usage_metadata"),
        frozenset({"_backwards_compat_tool_calls"}),
        _ai_dumps_plainly,
        _ai_validates_to_itself,
    ),
    _Rule(
        ToolMessage,
        (*_BASE_FIELDS, "tool_call_id", "artifact", "status"),
        frozenset({"coerce_args"}),
        validates_to_itself=_tool_validates_to_itself,
    ),
)

_SAMPLES: tuple[BaseMessage, ...] = (
    HumanMessage("a", id="1", name="n", turn=1),
    SystemMessage([{"type": "text", "text": "a"}, "b"]),
    AIMessage(
        "a",
        id="2",
        tool_calls=[{"name": "f", "args": {"x": [1, None]}, "id": "c", "type": "tool_call"}],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={"model": "m"},
    ),
    ToolMessage("a", tool_call_id="c", artifact={"k": b"v"}, status="error"),
)


def _shapes_of(serde: SerializerProtocol) -> dict[type, _Shape]:
    """Return the classes for which the short way is right with this serializer."""
    if type(serde) is not JsonPlusSerializer or getattr(serde, "_custom_unpack_ext_hook", True):
        return {}
    codec = Codec.__new__(Codec)
    codec.serde = serde
    codec._shapes = {rule.cls: _shape(tag, rule) for tag, rule in enumerate(_RULES) if _holds(rule)}
    codec._revivable = {(shape.module, shape.name): shape for shape in codec._shapes.values()}
    for sample in _SAMPLES:
        if type(sample) in codec._shapes and not _agrees(codec, sample):
            del codec._shapes[type(sample)]
    return codec._shapes


def _holds(rule: _Rule) -> bool:
    decorators = rule.cls.__pydantic_decorators__
    return (
        tuple(rule.cls.model_fields) == rule.fields
        and frozenset(decorators.model_validators) == rule.validators
        and not decorators.field_validators
        and not decorators.field_serializers
        and not decorators.model_serializers
    )


def _shape(tag: int, rule: _Rule) -> _Shape:
    module, name = rule.cls.__module__, rule.cls.__name__
    return _Shape(
        tag=tag,
        cls=rule.cls,
        module=module,
        name=name,
        type=rule.cls.model_fields["type"].default,
        fields=rule.fields,
        prefix=b"\x94" + ormsgpack.packb(module) + ormsgpack.packb(name),
        dumps_plainly=rule.dumps_plainly,
        validates_to_itself=rule.validates_to_itself,
    )


def _agrees(codec: Codec, sample: BaseMessage) -> bool:
    ordinary = codec.serde.dumps_typed(sample)
    if ordinary != ("msgpack", codec._encode_message(sample)):
        return False
    slow, fast = codec.serde.loads_typed(ordinary), codec.loads(ordinary)
    return all(
        getattr(slow, part) == getattr(fast, part)
        for part in ("__class__", "__dict__", "__pydantic_extra__", "__pydantic_fields_set__")
    )


# --- msgpack, as far as it must be known: https://github.com/msgpack/msgpack spec.md ---


def list_header(count: int) -> bytes:
    """Return the msgpack header of an array of `count` elements."""
    if count < 1 << 4:
        return bytes((0x90 | count,))
    if count < 1 << 16:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


_FIXEXT = {1: b"\xd4", 2: b"\xd5", 4: b"\xd6", 8: b"\xd7", 16: b"\xd8"}


def _ext_header(size: int, code: int = EXT_PYDANTIC_V2) -> bytes:
    if size < 1 << 8:
        return _FIXEXT.get(size, b"\xc7" + size.to_bytes(1, "big")) + bytes((code,))
    if size < 1 << 16:
        return b"\xc8" + size.to_bytes(2, "big") + bytes((code,))
    return b"\xc9" + size.to_bytes(4, "big") + bytes((code,))


def element_ends(elements: bytes, count: int) -> list[int] | None:
    """Return where each of `count` msgpack extension values ends.

    Returns:
        `None` if the bytes are not exactly that many extension values.
    """
    ends: list[int] = []
    at, size = 0, len(elements)
    for _ in range(count):
        if at + 6 > size:
            return None
        lead = elements[at]
        if lead == 0xC8:
            at += 4 + (elements[at + 1] << 8 | elements[at + 2])
        elif lead == 0xC7:
            at += 3 + elements[at + 1]
        elif lead == 0xC9:
            at += 6 + int.from_bytes(elements[at + 1 : at + 5], "big")
        else:
            return None
        ends.append(at)
    return ends if at == size else None


def _refuse(_code: int, _data: bytes) -> Any:
    raise ValueError  # an extension within a message: the ordinary way


def _digest(data: bytes) -> bytes:
    return xxhash.xxh3_128_digest(data)

"""The message classes for which there is a short way to the serializer's bytes and back.

A message is encoded from its `__dict__` and revived by filling it, without pydantic
dumping and validating what it has validated before. That is right only for messages on
which dumping and validating change nothing, and the rules below say which those are.
They hold for the validators that langchain-core has today: a class whose fields or
validators are others, or with which the serializer does not treat a sample as the short
way does, has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any, NamedTuple

import ormsgpack
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import EXT_PYDANTIC_V2, JsonPlusSerializer

from langgraph_dualstore.serialization.msgpack import ext_header, list_header

Fields = dict[str, Any]

# The options with which JsonPlusSerializer packs, so that what it would hand to its
# fallback is an error here, and the message takes the ordinary way.
PACK = (
    ormsgpack.OPT_NON_STR_KEYS
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_UUID
    | ormsgpack.OPT_REPLACE_SURROGATES
)
UNPACK = ormsgpack.OPT_NON_STR_KEYS

# Extra attributes that a message's constructor takes for something else.
_ORDINARY = frozenset({"self", "content_blocks"})

SUFFIX = ormsgpack.packb("model_validate_json")
_set = object.__setattr__
_new: Callable[[type[BaseMessage]], BaseMessage] = object.__new__


class Shape(NamedTuple):
    """What the short way knows of a message class.

    Attributes:
        prefix: What comes before the fields in a message's bytes, after their header.
        row: What comes before the fields in a fingerprint.
        dumps_plainly: Tells whether dumping changes none of the fields, `None` for always.
        validates_to_itself: Tells whether validating changes none, beyond what holds for
            all classes; `None` for always.
    """

    tag: int
    cls: type[BaseMessage]
    type: str
    fields: tuple[str, ...]
    names: frozenset[str]
    prefix: bytes
    row: bytes
    dumps_plainly: Callable[[Fields], bool] | None
    validates_to_itself: Callable[[Fields], bool] | None

    def fields_of(self, data: bytes, begin: int, end: int) -> bytes | None:
        """Return the packed fields in a message's body, `None` if it is of another class."""
        if data.startswith(self.prefix, begin) and data.endswith(SUFFIX, begin, end):
            return data[begin + len(self.prefix) : end - len(SUFFIX)]
        return None

    def encode(self, message: BaseMessage) -> bytes | None:
        """Return the bytes of a message of this class, `None` unless dumping changes none."""
        fields = message.__dict__
        if tuple(fields) != self.fields:
            return None
        if self.dumps_plainly is not None and not self.dumps_plainly(fields):
            return None
        if extra := message.__pydantic_extra__:
            fields = {**fields, **extra}
        try:
            packed = self.prefix + ormsgpack.packb(fields, option=PACK) + SUFFIX
        except TypeError:
            return None
        return ext_header(len(packed), EXT_PYDANTIC_V2) + packed

    def revive(self, fields: Any, *, checked: bool = False) -> BaseMessage | None:
        """Return the message with these fields, `None` unless validating changes none.

        Args:
            fields: By name.
            checked: Whether that has been found out for these fields before.
        """
        names = tuple(fields)
        extra: Fields = {}
        if names == self.fields:
            fields_set = set(self.names)  # copied, which is quicker than made
        else:
            own = len(self.fields)
            if names[:own] != self.fields or not _ORDINARY.isdisjoint(names):
                return None
            if not all(type(name) is str for name in names):
                return None
            extra = {name: fields[name] for name in names[own:]}
            fields = {name: fields[name] for name in self.fields}
            fields_set = set(names)
        if not (checked or self._stays(fields)):
            return None
        message = _new(self.cls)
        _set(message, "__dict__", fields)
        _set(message, "__pydantic_extra__", extra)
        _set(message, "__pydantic_fields_set__", fields_set)
        _set(message, "__pydantic_private__", None)
        return message

    def _stays(self, fields: Fields) -> bool:
        """Tell whether validating changes none of these fields."""
        # Spelled out rather than shared out: this runs for every message of a first read.
        content, name, id_ = fields["content"], fields["name"], fields["id"]
        return (
            (type(content) is str or _is_parts(content))
            and type(fields["additional_kwargs"]) is dict
            and type(fields["response_metadata"]) is dict
            and fields["type"] == self.type
            and (name is None or type(name) is str)
            and (id_ is None or type(id_) is str)
            and (self.validates_to_itself is None or self.validates_to_itself(fields))
        )


_BASE_FIELDS = ("content", "additional_kwargs", "response_metadata", "type", "name", "id")
_TOOL_CALL = ("name", "args", "id", "type")
_TOOL_CALL_KEYS = frozenset(_TOOL_CALL)


def _is_parts(value: Any) -> bool:
    return type(value) is list and all(type(part) is str or type(part) is dict for part in value)


def _ai_dumps_plainly(fields: Fields) -> bool:
    # pydantic drops keys that a TypedDict does not have.
    if type(fields["tool_calls"]) is not list:
        return False
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


def _in_order(keys: Iterable[str], optional: Iterable[str]) -> frozenset[tuple[str, ...]]:
    """Return the orders of keys that validating leaves as they are: a TypedDict's own."""
    optional = tuple(optional)
    return frozenset(
        tuple(key for key in keys if key not in optional or key in chosen)
        for size in range(len(optional) + 1)
        for chosen in combinations(optional, size)
    )


_INPUT_DETAILS = _in_order(InputTokenDetails.__annotations__, InputTokenDetails.__annotations__)
_OUTPUT_DETAILS = _in_order(OutputTokenDetails.__annotations__, OutputTokenDetails.__annotations__)
_USAGE = _in_order(UsageMetadata.__annotations__, ("input_token_details", "output_token_details"))


def _is_usage(usage: Any) -> bool:
    # Spelled out: nearly every answer of a model carries one.
    if (
        type(usage) is not dict
        or tuple(usage) not in _USAGE
        or type(usage["input_tokens"]) is not int
        or type(usage["output_tokens"]) is not int
        or type(usage["total_tokens"]) is not int
    ):
        return False
    if "input_token_details" in usage and not _are_counts(
        usage["input_token_details"], _INPUT_DETAILS
    ):
        return False
    return "output_token_details" not in usage or _are_counts(
        usage["output_token_details"], _OUTPUT_DETAILS
    )


def _are_counts(details: Any, orders: frozenset[tuple[str, ...]]) -> bool:
    if type(details) is not dict or tuple(details) not in orders:
        return False
    for count in details.values():  # noqa: SIM110 - a generator costs more than the check
        if type(count) is not int:
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


def shapes_of(serde: SerializerProtocol) -> dict[type, Shape]:
    """Return the classes for which the short way is right with a serializer."""
    if type(serde) is not JsonPlusSerializer or getattr(serde, "_custom_unpack_ext_hook", True):
        return {}
    shapes = {rule.cls: _shape(tag, rule) for tag, rule in enumerate(_RULES) if _holds(rule)}
    return {
        cls: shape
        for cls, shape in shapes.items()
        if all(_agrees(serde, shape, sample) for sample in _SAMPLES if type(sample) is cls)
    }


def _holds(rule: _Rule) -> bool:
    decorators = rule.cls.__pydantic_decorators__
    return (
        tuple(rule.cls.model_fields) == rule.fields
        and frozenset(decorators.model_validators) == rule.validators
        and not decorators.field_validators
        and not decorators.field_serializers
        and not decorators.model_serializers
    )


def _shape(tag: int, rule: _Rule) -> Shape:
    module, name = rule.cls.__module__, rule.cls.__name__
    return Shape(
        tag=tag,
        cls=rule.cls,
        type=rule.cls.model_fields["type"].default,
        fields=rule.fields,
        names=frozenset(rule.fields),
        prefix=list_header(4) + ormsgpack.packb(module) + ormsgpack.packb(name),
        row=list_header(2) + ormsgpack.packb(tag),
        dumps_plainly=rule.dumps_plainly,
        validates_to_itself=rule.validates_to_itself,
    )


def _agrees(serde: SerializerProtocol, shape: Shape, sample: BaseMessage) -> bool:
    ordinary = serde.dumps_typed(sample)
    if ordinary != ("msgpack", shape.encode(sample)):
        return False
    slow = serde.loads_typed(ordinary)
    fast = shape.revive({**sample.__dict__, **(sample.__pydantic_extra__ or {})})
    return all(
        getattr(slow, part) == getattr(fast, part, None)
        for part in ("__class__", "__dict__", "__pydantic_extra__", "__pydantic_fields_set__")
    )

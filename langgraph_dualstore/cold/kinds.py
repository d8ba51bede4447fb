"""The kinds of messages there are: what each consists of, who speaks, and making one again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)

from langgraph_dualstore.archive import Role
from langgraph_dualstore.errors import UnknownMessageType

DICT: Final = "dict"
"""The type of messages that are plain dicts."""

# Whoever else a ChatMessage names is taking part in the conversation.
_OTHERS: Final = "user"
_SPEAKERS: Final[dict[str, Role]] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
_CLASSES: Final[tuple[tuple[type[BaseMessage], Role | None], ...]] = (
    (HumanMessage, "user"),
    (HumanMessageChunk, "user"),
    (AIMessage, "assistant"),
    (AIMessageChunk, "assistant"),
    (SystemMessage, "system"),
    (SystemMessageChunk, "system"),
    (ToolMessage, "tool"),
    (ToolMessageChunk, "tool"),
    (FunctionMessage, "tool"),
    (FunctionMessageChunk, "tool"),
    (ChatMessage, None),
    (ChatMessageChunk, None),
)
_TEXT_OR_NONE = (str, type(None))
# What code that uses a message relies on. A field that is not named here may be anything.
_ALLOWED: Final[dict[str, type | tuple[type, ...]]] = {
    "content": (str, list),
    "additional_kwargs": dict,
    "response_metadata": dict,
    "name": _TEXT_OR_NONE,
    "id": _TEXT_OR_NONE,
    "tool_calls": list,
    "invalid_tool_calls": list,
    "tool_call_chunks": list,
    "usage_metadata": (dict, type(None)),
    "tool_call_id": str,
    "status": str,
    "role": str,
    "chunk_position": _TEXT_OR_NONE,
}
_ELEMENTS: Final[dict[str, type | tuple[type, ...]]] = {
    "content": (str, dict),
    "tool_calls": dict,
    "invalid_tool_calls": dict,
    "tool_call_chunks": dict,
}
_REQUIRED: Final = object()
_set = object.__setattr__
_new: Callable[[type[BaseMessage]], BaseMessage] = object.__new__


class Parts(NamedTuple):
    """What a message consists of.

    Attributes:
        type: Its type, `DICT` for a plain dict.
        role: Who speaks.
        content: Its content, of whatever kind.
        attributes: Whatever else is set. It is not a copy all the way down.
        whole: Whether `build` makes the message of these parts.
    """

    type: str
    role: Role
    content: Any
    attributes: dict[Any, Any]
    whole: bool


class _Field(NamedTuple):
    """A field of a message class: its default, and what it and its elements may be."""

    default: Any
    factory: Callable[[], Any] | None
    allowed: type | tuple[type, ...]
    elements: type | tuple[type, ...] | None

    def allows(self, value: Any) -> bool:
        if not isinstance(value, self.allowed):
            return False
        if self.elements is None or not isinstance(value, list):
            return True
        return all(isinstance(element, self.elements) for element in value)


class _Kind(NamedTuple):
    """A message class; its role is `None` if that is up to each message."""

    cls: type[BaseMessage]
    type: str
    role: Role | None
    fields: dict[str, _Field]

    def attributes_of(self, fields: dict[str, Any]) -> dict[Any, Any] | None:
        """Return the fields that are set, `None` if they are not what the class says."""
        known = self.fields
        if len(fields) != len(known):
            return None
        found: dict[Any, Any] = {}
        # Spelled out rather than shared out: this runs for every message.
        for name, value in fields.items():
            field = known.get(name)
            if field is None:
                return None
            default, _, allowed, elements = field
            # An artifact may be of a class that compares in its own way: an array, say.
            if value is default or (type(value) is type(default) and value == default):
                continue
            if not isinstance(value, allowed):
                return None
            if elements is not None and type(value) is not str and not field.allows(value):
                return None
            found[name] = value
        del found["content"]
        return None if "type" in found else found


def _kind(cls: type[BaseMessage], role: Role | None) -> _Kind:
    fields = {
        name: _Field(
            _REQUIRED if info.is_required() else info.get_default(call_default_factory=True),
            info.default_factory,  # type: ignore[arg-type]
            _ALLOWED.get(name, object),
            _ELEMENTS.get(name),
        )
        for name, info in cls.model_fields.items()
    }
    return _Kind(cls, fields["type"].default, role, fields)


_KINDS: Final = {cls: _kind(cls, role) for cls, role in _CLASSES}
_BY_TYPE: Final = {kind.type: kind for kind in _KINDS.values()}


def is_message(value: Any) -> bool:
    """Tell whether a value is a message, or a dict that speaks for one.

    A message of a class that no transcript knows is one, too; `take_apart` refuses it.
    """
    if type(value) in _KINDS or isinstance(value, BaseMessage):
        return True
    return isinstance(value, dict) and _role_of_dict(value) is not None


def take_apart(message: Any) -> Parts:
    """Return what a message consists of.

    Raises:
        UnknownMessageType: It is no message, or of no kind that a transcript knows.
    """
    kind = _KINDS.get(type(message))
    if kind is not None:
        fields: dict[str, Any] = message.__dict__
        attributes = kind.attributes_of(fields)
        extra = message.__pydantic_extra__
        if attributes is not None and (not extra or extra.keys().isdisjoint(kind.fields)):
            role = kind.role or _speaker(fields.get("role"))
            if extra:
                attributes.update(extra)
            return Parts(kind.type, role, fields["content"], attributes, whole=True)
    if isinstance(message, dict):
        return _take_dict_apart(message)
    return _take_other_apart(message)


def _take_dict_apart(message: dict[Any, Any]) -> Parts:
    role = _role_of_dict(message)
    if role is None:
        said = {name: message[name] for name in ("role", "type") if name in message}
        raise UnknownMessageType(f"a dict is no message with content and {said or 'no role'}")
    attributes = {name: value for name, value in message.items() if name != "content"}
    return Parts(DICT, role, message["content"], attributes, whole=True)


def _take_other_apart(message: Any) -> Parts:
    """Return the parts of a message of another class, or one with odd fields."""
    kind = next((_KINDS[cls] for cls in type(message).__mro__ if cls in _KINDS), None)
    if kind is None:
        raise UnknownMessageType(f"no transcript knows messages of type {_name_of(message)}")
    attributes = {**message.__dict__, **(message.__pydantic_extra__ or {})}
    attributes.pop("type", None)
    content = attributes.pop("content", "")
    role = kind.role or _speaker(attributes.get("role"))
    return Parts(kind.type, role, content, attributes, whole=False)


def _name_of(message: Any) -> str:
    cls = type(message)
    type_ = f" ({message.type!r})" if isinstance(message, BaseMessage) else ""
    return f"{cls.__module__}.{cls.__qualname__}{type_}"


def _speaker(role: Any) -> Role:
    return _SPEAKERS.get(role.lower(), _OTHERS) if isinstance(role, str) else _OTHERS


def _role_of_dict(message: dict[Any, Any]) -> Role | None:
    """Return who speaks in a dict, `None` if it is no message."""
    content = message.get("content", _REQUIRED)
    if content is not None and not isinstance(content, str | list):
        return None
    role, type_ = message.get("role"), message.get("type")
    if isinstance(role, str) and role.lower() in _SPEAKERS:
        return _SPEAKERS[role.lower()]
    if not isinstance(type_, str):
        return None
    kind = _BY_TYPE.get(type_)
    return _SPEAKERS.get(type_) if kind is None else kind.role or _OTHERS


def build(type_: Any, content: Any, attributes: dict[Any, Any]) -> BaseMessage | dict[Any, Any]:
    """Return the message of these parts. No validator runs: none may change anything.

    Args:
        type_: Its type, `DICT` for a plain dict.
        content: Its content.
        attributes: The rest. The message keeps it.

    Raises:
        UnknownMessageType: There is no such type.
        ValueError: These are no parts of such a message.
    """
    if type_ == DICT:
        return {**attributes, "content": content}
    kind = _BY_TYPE.get(type_) if isinstance(type_, str) else None
    if kind is None:
        raise UnknownMessageType(f"no transcript knows messages of type {type_!r}")
    if "content" in attributes or "type" in attributes:
        raise ValueError(f"a message of type {type_!r} with content or type twice")
    given = {**attributes, "content": content, "type": kind.type}
    fields: dict[str, Any] = {}
    for name, field in kind.fields.items():
        value = given.pop(name, field.default)
        if value is field.default and field.factory is not None:
            value = field.factory()
        if value is _REQUIRED or not field.allows(value):
            raise ValueError(f"a message of type {type_!r} with no or another {name}")
        fields[name] = value
    if not all(type(name) is str for name in given):
        raise ValueError(f"a message of type {type_!r} with an attribute that has no name")
    message = _new(kind.cls)
    _set(message, "__dict__", fields)
    _set(message, "__pydantic_extra__", given)
    _set(message, "__pydantic_fields_set__", {*fields, *given})
    _set(message, "__pydantic_private__", None)
    return message

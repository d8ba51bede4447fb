"""Messages in every form they take: LangGraph's, the flat document, the row, the columns.

    message ──to_document──▶ {"type": "human", "content": …, every attribute that is set}
            ◀─from_document─
    message ──to_row──▶ MessageRow ──to_sql──▶ MessageColumns, as PostgreSQL takes them
            ◀─to_message─          ◀─from_sql─

Nothing else converts messages. A document, and a row's `meta`, hold a message's attributes
under their own names, each as `jsonable` encodes it. Beside them are names of ours:

    original_type  the message's type; "dict" for one that was a plain dict
    content        in `meta`: the content, if it is more than a text
    $exact         the message as the serializer has it, if its class is none of LangChain's
                   or its fields are not what the class says
    $more          attributes with a name that is not a text which PostgreSQL can store
    $content, $key, $channel  these texts, if PostgreSQL cannot store them as they are
    $added         in the document of a plain dict: the names that the dict does not have

An attribute that is called `original_type`, or begins with `$`, gets a `$` in front.

Whoever redacts a row that has `$exact` must drop that, as it holds the message in full.
Without it the row gives a message of LangChain's class.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from langchain_core.messages import BaseMessage
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langgraph_dualstore.archive import MessageRow, Role
from langgraph_dualstore.cold.facts import (
    as_count,
    content_key,
    key_of,
    moment_of,
    text_of,
    tokens_of,
    turn_of,
)
from langgraph_dualstore.cold.jsonable import (
    as_storable,
    decode,
    dumps,
    encode,
    hand_over,
    is_storable,
    plain_text,
)
from langgraph_dualstore.cold.jsontext import JsonObject
from langgraph_dualstore.cold.kinds import DICT, Parts, build, is_message, take_apart
from langgraph_dualstore.cold.plain import plain
from langgraph_dualstore.cold.texts import name as indexable

__all__ = [
    "MessageColumns",
    "content_key",
    "from_document",
    "from_sql",
    "is_message",
    "key_of",
    "row_to_plain",
    "to_document",
    "to_message",
    "to_plain",
    "to_row",
    "to_sql",
]

STRICT: Final[SerializerProtocol] = JsonPlusSerializer(allowed_msgpack_modules=None)
"""The serializer where none is given: it revives no classes but those that LangGraph knows."""

CONTENT_IN_META: Final = ("content", "$exact")
"""The names in a row's `meta` under which its content is found in full."""

_TYPES: Final[dict[Role, str]] = {
    "user": "human",
    "assistant": "ai",
    "system": "system",
    "tool": "tool",
}


class MessageColumns(NamedTuple):
    """A row as the columns of `prompt_messages` hold it.

    Attributes:
        key: `prompt_messages.message_id`.
        meta: A JSON text; read back, the object that it spells will do, too.
    """

    key: str
    channel: str
    role: Role
    content: str
    turn: int | None
    token_count: int | None
    created_at: datetime
    meta: str | Mapping[str, Any]


def to_row(
    message: Any,
    *,
    channel: str,
    key: str,
    created_at: datetime,
    count_tokens: Callable[[Any], int | None] | None = None,
    serde: SerializerProtocol = STRICT,
) -> MessageRow:
    """Return the row of a message.

    Args:
        message: A message of one of LangChain's classes, or a dict with `content` and a
            `role` or `type`.
        channel: The state channel that holds it.
        key: Names it within its session; see `key_of`.
        created_at: The time of the first checkpoint that holds it, aware; taken if its own
            `timestamp` is missing, cannot be read or is in no year that can be stored.
        count_tokens: Counts the tokens of a message that says nothing of its usage.
        serde: The serializer, for values that JSON cannot carry.

    Raises:
        UnknownMessageType: It is no message, or of no kind that a transcript knows.
        ValueError: It holds something that the serializer can carry only as a pickle, or
            not at all.
    """
    parts = take_apart(message)
    content, attributes = parts.content, parts.attributes
    meta = _meta_of(parts, message, serde)
    tokens = tokens_of(attributes)
    if tokens is None and count_tokens is not None:
        tokens = as_count(count_tokens(message))
    return MessageRow(
        key=key,
        channel=channel,
        role=parts.role,
        content=text_of(content),
        turn=turn_of(attributes),
        token_count=tokens,
        created_at=moment_of(attributes) or created_at,
        meta=meta,
    )


def to_message(
    row: MessageRow, *, serde: SerializerProtocol = STRICT
) -> BaseMessage | dict[Any, Any]:
    """Return a message that equals the one that the row was made of.

    The columns `turn`, `token_count` and `created_at` are not asked: what the message itself
    says of these is in `meta`.

    Raises:
        UnknownMessageType: Its type is one that no transcript knows.
        ValueError: `meta` is not as it was written.
    """
    meta = dict(row.meta)
    if "$exact" in meta:
        return _exact(meta["$exact"], serde)
    type_ = meta.pop("original_type", None)
    content = decode(meta.pop("content"), serde) if "content" in meta else row.content
    return build(type_, content, _attributes(meta, serde))


def to_document(message: Any, *, serde: SerializerProtocol = STRICT) -> dict[str, Any]:
    """Return a message as one flat JSON object.

    Args:
        message: As `to_row` takes it.
        serde: The serializer, for values that JSON cannot carry.

    Raises:
        UnknownMessageType: It is no message, or of no kind that a transcript knows.
        ValueError: It holds something that the serializer can carry only as a pickle, or
            not at all.
    """
    parts = take_apart(message)
    content = encode(parts.content, serde)
    document: dict[str, Any] = {"type": parts.type, "content": content}
    if isinstance(parts.content, str) and type(content) is not str:
        document["content"] = as_storable(parts.content)
        document["$content"] = content
    if parts.type == DICT:
        document["type"] = _TYPES[parts.role]
        document["$added"] = [] if "type" in parts.attributes else ["type"]
    _flatten(parts, message, document, serde)
    return document


def to_plain(message: Any) -> dict[str, Any]:
    """Return a message as `to_document` does, for people: no message can be made of it.

    What JSON cannot carry is there in its nearest form rather than encoded.

    Raises:
        UnknownMessageType: It is no message, or of no kind that a transcript knows.
    """
    parts = take_apart(message)
    type_ = _TYPES[parts.role] if parts.type == DICT else parts.type
    document: dict[str, Any] = {"type": type_, "content": plain(parts.content)}
    for name, value in parts.attributes.items():
        document.setdefault(str(name), plain(value))
    return document


def row_to_plain(row: MessageRow, *, serde: SerializerProtocol = STRICT) -> dict[str, Any]:
    """Return the message of a row as `to_plain` does; what is left of it, if it was redacted."""
    try:
        return to_plain(to_message(row, serde=serde))
    except ValueError:  # what a person changed in the row is no message any more
        return {"type": _TYPES[row.role], "content": row.content}


def from_document(
    document: Mapping[str, Any], *, serde: SerializerProtocol = STRICT
) -> BaseMessage | dict[Any, Any]:
    """Return a message that equals the one that the document was made of.

    Raises:
        UnknownMessageType: Its type is one that no transcript knows.
        ValueError: It is no such document.
    """
    document = dict(document)
    if "$exact" in document:
        return _exact(document["$exact"], serde)
    content = document.pop("content", None)
    if "$content" in document:
        content = _unless_changed(content, document.pop("$content"), as_storable, serde)
    else:
        content = decode(content, serde)
    if "$added" not in document:
        type_ = document.pop("type", None)
        return build(type_, content, _attributes(document, serde))
    added = document.pop("$added")
    if added == ["type"]:
        document.pop("type", None)
    elif added != []:
        raise ValueError(f"nobody has added {added!r} to a dict")
    return build(DICT, content, _attributes(document, serde))


def to_sql(row: MessageRow, *, serde: SerializerProtocol = STRICT) -> MessageColumns:
    """Return what the columns hold: no text in them is one that PostgreSQL refuses."""
    content, meta = row.content, row.meta
    if not is_storable(content):
        content = as_storable(content)
        meta = {**meta, "$content": encode(row.content, serde)}
    key, channel = indexable(row.key), indexable(row.channel)
    if key != row.key:
        meta = {**meta, "$key": encode(row.key, serde)}
    if channel != row.channel:
        meta = {**meta, "$channel": encode(row.channel, serde)}
    return MessageColumns(
        key,
        channel,
        row.role,
        content,
        row.turn,
        row.token_count,
        row.created_at,
        meta.text if type(meta) is JsonObject else dumps(meta, serde),
    )


def from_sql(columns: MessageColumns, *, serde: SerializerProtocol = STRICT) -> MessageRow:
    """Return the row that the columns were made of.

    A text that has been changed in its column since stays changed.

    Raises:
        ValueError: `meta` is not as it was written.
    """
    meta = columns.meta if isinstance(columns.meta, Mapping) else json.loads(columns.meta)
    if not isinstance(meta, Mapping):
        raise ValueError(f"meta is no object but a {type(meta).__name__}")  # noqa: TRY004
    key, channel, content = columns.key, columns.channel, columns.content
    meta = dict(meta)
    if "$content" in meta:
        content = _unless_changed(content, meta.pop("$content"), as_storable, serde)
    if "$key" in meta:
        key = _unless_changed(key, meta.pop("$key"), indexable, serde)
    if "$channel" in meta:
        channel = _unless_changed(channel, meta.pop("$channel"), indexable, serde)
    return MessageRow(
        key=key,
        channel=channel,
        role=columns.role,
        content=content,
        turn=columns.turn,
        token_count=columns.token_count,
        created_at=columns.created_at,
        meta=meta,
    )


def _meta_of(parts: Parts, message: Any, serde: SerializerProtocol) -> Mapping[str, Any]:
    """Return a row's `meta`.

    For nearly all messages nothing in it is to be encoded, and one look at all of it is
    quicker than one at each value.
    """
    is_text = type(parts.content) is str
    if is_text and parts.whole and "original_type" not in parts.attributes:
        text = plain_text({"original_type": parts.type, **parts.attributes})
        if text is not None:
            return JsonObject(text)
    meta: dict[str, Any] = {"original_type": parts.type}
    if not is_text:
        meta["content"] = encode(parts.content, serde)
    _flatten(parts, message, meta, serde)
    return meta


def _flatten(parts: Parts, message: Any, flat: dict[str, Any], serde: SerializerProtocol) -> None:
    """Add a message's attributes, under names that none of ours is among."""
    more: dict[Any, Any] = {}
    for name, value in parts.attributes.items():
        if type(name) is not str or not is_storable(name):
            more[name] = value
        elif name[:1] == "$" or name == "original_type":
            flat["$" + name] = encode(value, serde)
        else:
            flat[name] = encode(value, serde)
    if more:
        flat["$more"] = encode(more, serde)
    if not parts.whole:
        flat["$exact"] = hand_over(message, serde)


def _attributes(flat: Mapping[str, Any], serde: SerializerProtocol) -> dict[Any, Any]:
    """Return the attributes that `_flatten` added."""
    attributes: dict[Any, Any] = {}
    for name, value in flat.items():
        found = decode(value, serde)
        if name[:1] != "$":
            attributes[name] = found
        elif name != "$more":
            attributes[name[1:]] = found
        elif isinstance(found, dict):
            attributes.update(found)
        else:
            raise ValueError(f"$more is no dict but a {type(found).__name__}")
    return attributes


def _exact(encoded: Any, serde: SerializerProtocol) -> BaseMessage | dict[Any, Any]:
    message = decode(encoded, serde)
    if not isinstance(message, BaseMessage | dict):
        raise ValueError(f"$exact is no message but a {type(message).__name__}")  # noqa: TRY004
    return message


def _unless_changed(
    stored: Any, exact: Any, stands_in: Callable[[str], str], serde: SerializerProtocol
) -> Any:
    """Return the exact text, if what is stored is still what stands in for it."""
    text = decode(exact, serde)
    if not isinstance(text, str):
        raise ValueError(f"a text is a {type(text).__name__}")  # noqa: TRY004
    return text if stands_in(text) == stored else stored

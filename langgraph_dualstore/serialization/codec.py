"""Encodes and decodes values as one serializer does.

Every value goes through the saver's serializer, except the messages for which `shapes`
has a shorter way to the very same bytes and objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import ormsgpack
import xxhash
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import EXT_PYDANTIC_V2, JsonPlusSerializer

from langgraph_dualstore.serialization.binding import BoundSerializer
from langgraph_dualstore.serialization.msgpack import element_bodies, ext_header, list_header
from langgraph_dualstore.serialization.shapes import PACK, SUFFIX, UNPACK, Shape, shapes_of


class Fingerprint(NamedTuple):
    """Tells whether the first messages of a list are still what they were.

    Attributes:
        size: The number of bytes that these messages come to.
        digest: Their digest.
    """

    size: int
    digest: bytes


class Revived(NamedTuple):
    """The first messages of a list, found to be what the short way back is right for.

    The same bytes need not be looked at again, and most of what is read was read before.

    Attributes:
        items: The number of these messages.
        fingerprint: Theirs.
    """

    items: int
    fingerprint: Fingerprint


class Codec:
    """Encodes and decodes values as one serializer does.

    Args:
        serde: The serializer. Whether the short way is safe with it is found out once,
            here.
    """

    def __init__(self, serde: SerializerProtocol) -> None:
        self.serde = serde
        self._shapes = shapes_of(serde)
        shapes = self._shapes.values()
        self._tagged = {shape.tag: shape for shape in shapes}
        # The second byte of a message says how long its module's name is.
        self._lengths = {shape.prefix[1]: shape for shape in shapes}

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

    def plain(self, value: Any) -> bytes:
        """Return bytes to tell a value by, which are never encrypted where `dumps` binds them."""
        if isinstance(self.serde, BoundSerializer):
            return self.serde.plain(value)
        return self.dumps(value)[1]

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
        """Return what `serde.loads_typed(typed)` returns.

        Raises:
            ValueError: It is not encrypted, and the serializer encrypts.
        """
        if typed[0] == "msgpack" and self._shapes:
            return ormsgpack.unpackb(typed[1], ext_hook=self._revive, option=UNPACK)
        if "+" not in typed[0] and isinstance(self.serde, EncryptedSerializer):
            # It would be taken as it is: whoever can write to Redis could plant anything.
            raise ValueError("it is not encrypted")
        return self.serde.loads_typed(typed)

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
        shapes = self._shapes
        try:
            rows = [
                (
                    shapes[type(m)].tag,
                    {**m.__dict__, **m.__pydantic_extra__} if m.__pydantic_extra__ else m.__dict__,
                )
                for m in messages
            ]
            packed = memoryview(ormsgpack.packb(rows, option=PACK))[len(list_header(len(rows))) :]
        except (KeyError, TypeError):
            return None
        same = known is not None and _begins_with(packed, known)
        return _Checked(same, Fingerprint(len(packed), _digest(packed)))

    def fingerprint_of(self, elements: bytes, count: int) -> Fingerprint | None:
        """Return the fingerprint of the messages whose bytes these are, without decoding them.

        Returns:
            `None` if messages of these kinds have no fingerprint.
        """
        rows = self._rows(elements, count)
        return None if rows is None else Fingerprint(len(rows), _digest(rows))

    def loads_list(
        self, elements: bytes, count: int, known: Revived | None = None
    ) -> tuple[list[Any], Fingerprint | None]:
        """Return the list whose elements' bytes these are, and its fingerprint if it has one.

        Args:
            elements: The bytes, one element's after the other's.
            count: The number of elements.
            known: What was noted when this list, or one that it goes on from, was read.
        """
        rows = self._rows(elements, count)
        if rows is not None:
            try:
                found = ormsgpack.unpackb(list_header(count) + rows, option=UNPACK)
            except ValueError:  # an extension within a message
                found = []
            checked = known.items if known and _begins_with(rows, known.fingerprint) else 0
            messages = [
                self._tagged[tag].revive(fields, checked=n < checked)
                for n, (tag, fields) in enumerate(found)
            ]
            # `None in messages` would ask every message whether it equals None.
            if messages and not any(message is None for message in messages):
                return messages, Fingerprint(len(rows), _digest(rows))
        return self.loads(("msgpack", list_header(count) + elements)), None

    def _rows(self, elements: bytes, count: int) -> bytes | None:
        """Return what `fingerprint` packs, a tag and fields for each message, from their bytes."""
        rows: list[bytes] = []
        lengths = self._lengths
        # Spelled out rather than shared with `_fields_of`: this runs for every message. A value
        # that is found has two bytes at least.
        for begin, end in element_bodies(elements, count) or ():
            shape = lengths.get(elements[begin + 1])
            if (
                shape is None
                or not elements.startswith(shape.prefix, begin)
                or not elements.endswith(SUFFIX, begin, end)
            ):
                return None
            rows.append(shape.row)
            rows.append(elements[begin + len(shape.prefix) : end - len(SUFFIX)])
        return b"".join(rows) or None

    def _fields_of(self, data: bytes, begin: int, end: int) -> tuple[Shape, bytes] | None:
        """Return the class and the packed fields of a message's body."""
        shape = self._lengths.get(data[begin + 1]) if end - begin > 1 else None
        fields = shape.fields_of(data, begin, end) if shape else None
        return (shape, fields) if shape and fields else None

    def _encode_message(self, message: Any) -> bytes | None:
        shape = self._shapes.get(type(message))
        return None if shape is None else shape.encode(message)

    def _revive(self, code: int, data: bytes) -> Any:
        found = self._fields_of(data, 0, len(data)) if code == EXT_PYDANTIC_V2 else None
        if found is not None:
            shape, fields = found
            try:
                message = shape.revive(ormsgpack.unpackb(fields, option=UNPACK))
            except ValueError:  # an extension within a message
                message = None
            if message is not None:
                return message
        # A value within this value: the serializer's own way, as it would take it.
        return self.serde.loads_typed(("msgpack", ext_header(len(data), code) + data))


class _Checked(NamedTuple):
    """Whether the known messages are unchanged, and the fingerprint of all of them."""

    unchanged: bool
    fingerprint: Fingerprint


def _begins_with(rows: bytes | memoryview, known: Fingerprint) -> bool:
    return _digest(memoryview(rows)[: known.size]) == known.digest


def _digest(data: bytes | memoryview) -> bytes:
    return xxhash.xxh3_128_digest(data)

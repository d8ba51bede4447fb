"""Ciphertext that can be read in the thread that it was written for, and in no other.

LangGraph's `EncryptedSerializer` encrypts a value without saying whose it is. Whoever can
write to a store, without the key, could put one thread's ciphertext into another thread,
and could name it another type, so that its bytes are read as something else. So what is
encrypted here begins with a digest of the thread's id and of the type. The stored type
ends with a mark:

    msgpack+aes+thread

Nothing else is accepted: not plain text, and not what the serializer encrypts by itself,
which nobody here has ever written.
"""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from typing import Any, TypeGuard

from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer

_MARK = "+thread"
_LABEL = b"langgraph-dualstore: a value of a thread\0"
_SIZE = 16


def binds(serde: SerializerProtocol) -> TypeGuard[EncryptedSerializer]:
    """Tell whether a serializer's values are bound to threads.

    A subclass that encrypts in a way of its own is left to itself.
    """
    return (
        isinstance(serde, EncryptedSerializer)
        and _is_inherited(serde, "dumps_typed")
        and _is_inherited(serde, "loads_typed")
    )


def _is_inherited(serde: EncryptedSerializer, name: str) -> bool:
    method = getattr(getattr(serde, name), "__func__", None)
    return method is getattr(EncryptedSerializer, name)


class BoundSerializer:
    """An encrypting serializer whose values belong to one thread.

    Args:
        serde: The serializer.
        thread_id: The thread.
    """

    def __init__(self, serde: EncryptedSerializer, thread_id: str) -> None:
        self._serde = serde.serde
        self._cipher = serde.cipher
        # Both have one length, so that no thread and type look like others.
        self._owner = _LABEL + sha256(_exact(thread_id)).digest()

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Return a value's type and its bytes, encrypted."""
        return self.seal(self._serde.dumps_typed(obj))

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return the value that `dumps_typed` was given.

        Raises:
            ValueError: It is not encrypted, or not for this thread.
        """
        return self._serde.loads_typed(self.open(data))

    def plain(self, obj: Any) -> bytes:
        """Return a value's bytes as they are before they are encrypted, always the same."""
        return self._serde.dumps_typed(obj)[1]

    def seal(self, typed: tuple[str, bytes]) -> tuple[str, bytes]:
        """Encrypt what the serializer within has made of a value."""
        type_, data = typed
        cipher, encrypted = self._cipher.encrypt(self._binding(type_) + data)
        return f"{type_}+{cipher}{_MARK}", encrypted

    def open(self, typed: tuple[str, bytes]) -> tuple[str, bytes]:
        """Return what `seal` was given.

        Raises:
            ValueError: It is not encrypted, or not for this thread.
        """
        name, encrypted = typed
        if "+" not in name:
            raise ValueError("it is not encrypted")
        if not name.endswith(_MARK):
            raise ValueError("it is encrypted, but for no thread")
        type_, _, cipher = name.removesuffix(_MARK).partition("+")
        data = self._cipher.decrypt(cipher, encrypted)
        if not compare_digest(data[:_SIZE], self._binding(type_)):
            raise ValueError("it belongs to another thread, or is not of the type it is said to be")
        return type_, data[_SIZE:]

    def _binding(self, type_: str) -> bytes:
        return sha256(self._owner + _exact(type_)).digest()[:_SIZE]


def _exact(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

"""The codecs for the values of threads."""

from __future__ import annotations

from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer

from langgraph_dualstore.serialization.binding import BoundSerializer, binds
from langgraph_dualstore.serialization.codec import Codec


class Codecs:
    """Gives each thread its codec: all of them one, unless the serializer encrypts.

    There is no other way to a codec, so that no value is written that no thread owns.

    Args:
        serde: The serializer.
    """

    def __init__(self, serde: SerializerProtocol) -> None:
        self.serde = serde
        self._encrypting = serde if binds(serde) else None
        self._shared = Codec(serde) if self._encrypting is None else None

    @property
    def encrypts(self) -> bool:
        """Whether the serializer encrypts, so that plain text is refused."""
        return isinstance(self.serde, EncryptedSerializer)

    def of(self, thread_id: str) -> Codec:
        """Return the codec for a thread's values."""
        return self._shared or Codec(self.bound(thread_id) or self.serde)

    def bound(self, thread_id: str) -> BoundSerializer | None:
        """Return what binds values to a thread, `None` if nothing does."""
        return None if self._encrypting is None else BoundSerializer(self._encrypting, thread_id)

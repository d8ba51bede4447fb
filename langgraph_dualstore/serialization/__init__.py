"""What the serializer gives, faster where that is safe, and bound to a thread if encrypted."""

from langgraph_dualstore.serialization.binding import BoundSerializer
from langgraph_dualstore.serialization.codec import Codec, Fingerprint, Revived
from langgraph_dualstore.serialization.codecs import Codecs

__all__ = ["BoundSerializer", "Codec", "Codecs", "Fingerprint", "Revived"]

"""What the serializer gives, faster where that is safe."""

from langgraph_dualstore.serialization.codec import Codec, Fingerprint

__all__ = ["Codec", "Fingerprint"]

"""MessagePack, as far as it must be known here.

Source: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

EXT_8 = 0xC7
EXT_16 = 0xC8
EXT_32 = 0xC9

_ARRAY_16 = b"\xdc"
_ARRAY_32 = b"\xdd"
_SHORTEST_EXT = 8  # bytes: the longest header, and two more, as any message has
_FIXED_EXT = {1: b"\xd4", 2: b"\xd5", 4: b"\xd6", 8: b"\xd7", 16: b"\xd8"}


def list_header(count: int) -> bytes:
    """Return the header of an array of `count` elements."""
    if count < 1 << 4:
        return bytes((0x90 | count,))
    if count < 1 << 16:
        return _ARRAY_16 + count.to_bytes(2, "big")
    return _ARRAY_32 + count.to_bytes(4, "big")


def ext_header(size: int, code: int) -> bytes:
    """Return the header of an extension value of `size` bytes."""
    if size < 1 << 8:
        start = _FIXED_EXT.get(size) or bytes((EXT_8, size))
        return start + bytes((code,))
    if size < 1 << 16:
        return bytes((EXT_16, size >> 8, size & 0xFF, code))
    return bytes((EXT_32,)) + size.to_bytes(4, "big") + bytes((code,))


def element_bodies(elements: bytes, count: int) -> list[tuple[int, int]] | None:
    """Return where the body of each of `count` extension values, after its header, lies.

    Returns:
        Pairs of the first position and the one after the last, which is where the next
        element's header starts; `None` if the bytes are not exactly that many extension
        values, or the last is shorter than any message.
    """
    bodies: list[tuple[int, int]] = []
    at, size = 0, len(elements)
    for _ in range(count):
        if at + _SHORTEST_EXT > size:
            return None
        lead = elements[at]
        if lead == EXT_16:
            begin = at + 4
            at = begin + (elements[at + 1] << 8 | elements[at + 2])
        elif lead == EXT_8:
            begin = at + 3
            at = begin + elements[at + 1]
        elif lead == EXT_32:
            begin = at + 6
            at = begin + int.from_bytes(elements[at + 1 : at + 5], "big")
        else:
            return None
        bodies.append((begin, at))
    return bodies if at == size else None

"""The part of a thread's log that this process holds."""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections.abc import Iterable
from operator import itemgetter
from typing import Self

from langgraph_dualstore.hot.records import Run

_start = itemgetter(0)


class LogCopy:
    """Bytes of an append-only log, by position. Safe for concurrent use.

    What a position holds never changes, so adding the same bytes again does no harm.
    """

    def __init__(self) -> None:
        self._segments: list[tuple[int, bytearray]] = []  # by position, apart, not touching
        self._lock = threading.Lock()
        self.size = 0

    @classmethod
    def of(cls, pieces: Iterable[tuple[int, bytes]]) -> Self:
        """Return a copy that holds some pieces, each with its position."""
        copy = cls()
        for start, data in pieces:
            copy.add(start, data)
        return copy

    @classmethod
    def whole(cls, data: bytes) -> Self:
        """Return the copy of a whole log."""
        return cls.of([(0, data)])

    def add(self, start: int, data: bytes) -> None:
        """Take the bytes at a position."""
        if not data:
            return
        with self._lock:
            segments = self._segments
            if segments and (last := segments[-1])[0] + len(last[1]) == start:
                last[1].extend(data)  # the usual case: the log grew
                self.size += len(data)
                return
            self._merge(start, data)

    def _merge(self, start: int, data: bytes) -> None:
        end = start + len(data)
        touching = [s for s in self._segments if s[0] <= end and start <= s[0] + len(s[1])]
        merged_start = min([start, *(s[0] for s in touching)])
        merged = bytearray(max([end, *(s[0] + len(s[1]) for s in touching)]) - merged_start)
        for at, held in [*touching, (start, data)]:
            merged[at - merged_start : at - merged_start + len(held)] = held
        self._segments = [s for s in self._segments if s not in touching]
        insort(self._segments, (merged_start, merged), key=_start)
        self.size = sum(len(held) for _, held in self._segments)

    def read(self, runs: Iterable[Run]) -> bytes | None:
        """Return the bytes of some runs, joined; `None` if not all of them are held."""
        parts: list[bytes | bytearray] = []
        with self._lock:
            for start, length in runs:
                at = bisect_right(self._segments, start, key=_start) - 1
                if at < 0:
                    return None
                begins, held = self._segments[at]
                offset = start - begins
                if offset + length > len(held):
                    return None
                parts.append(held[offset : offset + length])
        return b"".join(parts)

    def largest(self) -> tuple[int, int]:
        """Return where the largest unbroken part begins and ends, `(0, 0)` if none is held."""
        with self._lock:
            if not self._segments:
                return 0, 0
            start, held = self._segments[0]
            if len(self._segments) > 1:
                start, held = max(self._segments, key=lambda segment: len(segment[1]))
            return start, start + len(held)

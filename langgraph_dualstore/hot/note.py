"""What is archived of a thread, as it is noted in the thread's head.

With it the next archive of the thread sends only what is new. It is not trusted: the
archive has a mark for each thread, and refuses what does not go on from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import ormsgpack

from langgraph_dualstore.hot.keys import decode_text, encode_text
from langgraph_dualstore.hot.records import Run, Stored, merge_runs, pack_stored, unpack_stored


class Note(NamedTuple):
    """What is archived of a thread.

    Attributes:
        mark: What the archive has for it.
        generation: The log's that `kept` and `lists` refer to.
        pieces: In how many pieces the archive has the log.
        kept: Which stretches of the log these cover.
        lists: The lists of messages in the newest root checkpoint that is archived.
    """

    mark: str
    generation: str
    pieces: int
    kept: tuple[Run, ...]
    lists: Mapping[str, Stored]


def encode_note(note: Note) -> bytes:
    """Return a note as bytes."""
    lists = [[encode_text(name), pack_stored(stored)] for name, stored in note.lists.items()]
    kept = [number for run in note.kept for number in run]
    return ormsgpack.packb([note.mark, note.generation, note.pieces, kept, lists])


def decode_note(data: bytes) -> Note | None:
    """Return the note that these bytes are, `None` if they are none that is understood."""
    try:
        mark, generation, pieces, kept, lists = ormsgpack.unpackb(data)
        numbers: list[Any] = kept
        return Note(
            mark,
            generation,
            pieces,
            tuple(Run(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)),
            {decode_text(name): unpack_stored(stored, 0) for name, stored in lists},
        )
    except (ValueError, TypeError, AttributeError):
        return None


def without(runs: Iterable[Run], known: Iterable[Run]) -> list[Run]:
    """Return the stretches that some runs cover and others do not, in order."""
    left: list[Run] = []
    known = merge_runs(known)
    for run in merge_runs(runs):
        start = run.start
        for other in known:
            if other.end <= start:
                continue
            if other.start >= run.end:
                break
            if other.start > start:
                left.append(Run(start, other.start - start))
            start = other.end
        if start < run.end:
            left.append(Run(start, run.end - start))
    return left

r"""What a member of the sorted sets says after its address.

A checkpoint's record is one line for the scripts, then what only Python reads:

    <generation> <stamp> <position> <length> <ranges> <size> <size>\n<parent><names><body>

`generation` names the log that the record refers to, `stamp` is of this put alone,
`position` and `length` say where the put's own bytes were appended, `ranges` lists the
other parts of the log (`0-15,40-99`). `parent` is the encoded id of the parent, `names`
are the channels that have a value, as netstrings. The body is msgpack: the checkpoint
without its values and its metadata as the serializer wrote them, the run id in the clear
(so that a run can be deleted under encryption), and for each of the channels its value
or where in the log it is.

A write's member goes on with its index and a msgpack list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import ormsgpack

from langgraph_dualstore.errors import CorruptRecord
from langgraph_dualstore.hot.keys import (
    INDEX_LENGTH,
    decode_index,
    decode_text,
    encode_text,
    split_address,
)

Typed = tuple[str, bytes]
"""What `SerializerProtocol.dumps_typed` returns."""

_LINE = re.compile(rb"([0-9a-f]+) ([0-9a-f]+) (\d+) (\d+) [\d,-]* (\d+) (\d+)\n")
_INLINE_FIELDS = 2
_GAP = 512  # bytes between ranges that are not worth a range of their own


class Run(NamedTuple):
    """A stretch of the log: position and length in bytes."""

    start: int
    length: int

    @property
    def end(self) -> int:
        """The position after it."""
        return self.start + self.length


class Stored(NamedTuple):
    """Where a channel's value is.

    Attributes:
        type: The serializer's name for the format.
        inline: The value's bytes when they are kept in the record itself.
        items: How many elements there are when the runs hold the elements of a list,
            `None` when they hold a value as the serializer wrote it.
        runs: Where in the log the bytes are, in order.
    """

    type: str
    inline: bytes | None = None
    items: int | None = None
    runs: tuple[Run, ...] = ()


class Record(NamedTuple):
    """A checkpoint as it is stored.

    Attributes:
        end: The position after everything in the log that it refers to or appended.
        parent_id: `None` for a root.
        run_id: The run that wrote it, if its metadata names one.
    """

    namespace: str
    checkpoint_id: str
    address: bytes
    generation: str
    stamp: str
    end: int
    parent_id: str | None
    checkpoint: Typed
    metadata: Typed
    run_id: str | None
    channels: dict[str, Stored]

    @property
    def runs(self) -> list[Run]:
        """Where in the log its values are."""
        return [run for stored in self.channels.values() for run in stored.runs]

    @property
    def proof(self) -> bytes:
        """What a stored member starts with if and only if it is this very record."""
        return make_proof(self.address, self.generation, self.stamp)


class StoredWrite(NamedTuple):
    """A pending write as it is stored."""

    task_id: str
    slot: int
    channel: str
    value: Typed
    task_path: str


def make_proof(address: bytes, generation: str, stamp: str) -> bytes:
    """Return what a checkpoint's member starts with, after its tag, as long as it is the same."""
    return b"%b%b %b " % (address, generation.encode(), stamp.encode())


def encode_record(
    *,
    parent: bytes,
    checkpoint: Typed,
    metadata: Typed,
    run_id: str | None,
    channels: Mapping[str, Stored],
) -> bytes:
    """Return a record from its ranges on; the scripts put the rest of the line before it.

    A run at a negative position is one of the put's own: `-1 - n` is `n` bytes after
    the position at which the put's bytes will be appended.
    """
    packed: list[list[Any]] = []
    ranges: list[Run] = []
    for stored in channels.values():
        packed.append(pack_stored(stored))
        ranges += [run for run in stored.runs if run.start >= 0]
    names = b"".join(map(_encode_name, channels))
    spelled = b",".join(b"%d-%d" % (run.start, run.end) for run in merge_runs(ranges, _GAP))
    sizes = b"%b %d %d\n" % (spelled, len(parent), len(names))
    body = ormsgpack.packb([*checkpoint, *metadata, run_id, packed])
    return b"".join((sizes, parent, names, body))


def _encode_name(name: str) -> bytes:
    raw = encode_text(name)
    return b"%d:%b," % (len(raw), raw)


@lru_cache(maxsize=128)
def _decode_names(raw: bytes) -> tuple[str, ...]:
    """Return the channels' names; a thread's checkpoints have the same few sets of them."""
    names: list[str] = []
    at = 0
    while at < len(raw):
        begin = raw.index(b":", at) + 1
        end = begin + int(raw[at : begin - 1])
        names.append(decode_text(raw[begin:end]))
        at = end + 1
    return tuple(names)


def encode_member(tag: bytes, address: bytes, generation: str, stamp: str, rest: bytes) -> bytes:
    """Return the member of a checkpoint that appends nothing to the log itself."""
    return b"%b%b0 0 %b" % (tag, make_proof(address, generation, stamp), rest)


def merge_runs(runs: Iterable[Run], gap: int = 0) -> list[Run]:
    """Return the stretches that some runs cover, in order, apart by more than `gap` bytes."""
    merged: list[Run] = []
    for run in sorted(runs):
        if merged and run.start <= merged[-1].end + gap:
            last = merged[-1]
            merged[-1] = Run(last.start, max(last.end, run.end) - last.start)
        else:
            merged.append(run)
    return merged


def decode_record(member: bytes, thread_id: str) -> Record:
    """Return the record that a member of the checkpoints holds.

    Raises:
        CorruptRecord: It is not one.
    """
    checkpoint_id = ""
    try:
        (namespace, checkpoint_id), start = split_address(member, 2, 1)
        line = _LINE.match(member, start)
        if line is None:
            raise ValueError("no record line")  # noqa: TRY301
        generation, stamp, position, length, parent_size, names_size = line.groups()
        names = line.end() + int(parent_size)
        body = names + int(names_size)
        own = int(position)
        end = own + int(length)
        parent = split_address(member, 1, line.end())[0][0] if parent_size != b"0" else None
        fields = ormsgpack.unpackb(memoryview(member)[body:])
        type_, data, metadata_type, metadata, run_id, packed = fields
        channels: dict[str, Stored] = {}
        for name, value in zip(_decode_names(member[names:body]), packed, strict=True):
            channels[name] = stored = unpack_stored(value, own)
            for run in stored.runs:
                end = max(end, run.end)
        return Record(
            namespace=namespace,
            checkpoint_id=checkpoint_id,
            address=member[1:start],
            generation=generation.decode(),
            stamp=stamp.decode(),
            end=end,
            parent_id=parent,
            checkpoint=(type_, data),
            metadata=(metadata_type, metadata),
            run_id=run_id,
            channels=channels,
        )
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise CorruptRecord(
            f"checkpoint {checkpoint_id!r} of thread {thread_id!r} cannot be read: {error}",
            thread_id=thread_id,
            checkpoint_id=checkpoint_id,
        ) from error


def pack_stored(stored: Stored) -> list[Any]:
    """Return where a value is, ready for msgpack."""
    if stored.inline is not None:
        return [stored.type, stored.inline]
    return [stored.type, stored.items, *(number for run in stored.runs for number in run)]


def unpack_stored(packed: list[Any], own: int) -> Stored:
    """Return what `pack_stored` packed; `own` is the position of a put's own bytes."""
    if len(packed) == _INLINE_FIELDS:
        return Stored(packed[0], packed[1])
    pairs = zip(packed[2::2], packed[3::2], strict=True)
    runs = [Run(start, length) for start, length in pairs]
    return Stored(packed[0], None, packed[1], resolve_runs(runs, own))


def resolve_runs(runs: Iterable[Run], own: int) -> tuple[Run, ...]:
    """Return runs with own positions made absolute and neighbours joined."""
    return join_runs(
        [run if run.start >= 0 else Run(own - 1 - run.start, run.length) for run in runs]
    )


def begins_with(longer: tuple[Run, ...], runs: tuple[Run, ...]) -> bool:
    """Tell whether the bytes of some runs are the first of those of others."""
    last = len(runs) - 1
    return (
        last < len(longer)
        and runs[:last] == longer[:last]
        and runs[last].start == longer[last].start
        and runs[last].length <= longer[last].length
    )


def join_runs(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Return runs with neighbours joined, which keeps a list's runs few."""
    joined: list[Run] = []
    for run in runs:
        if joined:
            last = joined[-1]
            follows = last.end if last.start >= 0 else last.start - last.length
            if run.start == follows and (run.start >= 0) == (last.start >= 0):
                joined[-1] = Run(last.start, last.length + run.length)
                continue
        joined.append(run)
    return tuple(joined)


def encode_write(channel: str, value: Typed, task_path: str) -> bytes:
    """Return what follows the index in a write's member."""
    return ormsgpack.packb([encode_text(channel), *value, task_path])


def decode_write(member: bytes, thread_id: str, address: bytes = b"") -> StoredWrite:
    """Return the write that a member of the writes holds.

    Args:
        member: The member.
        thread_id: The thread, for errors.
        address: The checkpoint's, which the member starts with, if it is known.

    Raises:
        CorruptRecord: It is not one.
    """
    try:
        skipped = 0 if address else 2
        parts, start = split_address(member, skipped + 1, len(address))
        task_id = parts[skipped]
        value = start + INDEX_LENGTH
        channel, type_, data, task_path = ormsgpack.unpackb(memoryview(member)[value:])
        slot = decode_index(member[start:value])
        return StoredWrite(task_id, slot, decode_text(channel), (type_, data), task_path)
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise CorruptRecord(
            f"a pending write of thread {thread_id!r} cannot be read: {error}",
            thread_id=thread_id,
        ) from error

"""Copying a thread."""

from __future__ import annotations

from typing import Any, NamedTuple

from langgraph_dualstore._steps import Operation, RunScript
from langgraph_dualstore.errors import HotStoreError
from langgraph_dualstore.hot.compaction import Compaction
from langgraph_dualstore.hot.keys import ANCESTOR, INDEX_LENGTH, LISTED, split_address
from langgraph_dualstore.hot.records import decode_record
from langgraph_dualstore.hot.scripts import DUMP, REWRITE
from langgraph_dualstore.operations.context import Context, new_generation

_ATTEMPTS = 10


def copy_thread(context: Context, source_id: str, target_id: str) -> Operation[None]:
    """Copy everything of a thread, ancestors of delta channels included.

    A target that exists keeps what the source does not have. A source that does not
    exist copies nothing.

    Raises:
        HotStoreError: The target was written to in each of ten attempts.
    """
    source, target = context.keys(source_id), context.keys(target_id)
    dump = yield RunScript(DUMP, source)
    if dump is None or source == target:
        return
    copied = _Thread(source_id, *dump)
    for _ in range(_ATTEMPTS):
        existing = _Thread(target_id, *((yield RunScript(DUMP, target)) or _NOTHING))
        generation = new_generation()
        merged: dict[bytes, bytes] = {}
        kept_log = _add(existing, 0, generation, merged)
        copied_log = _add(copied, len(kept_log), generation, merged)
        ancestors = sum(member.startswith(ANCESTOR) for member in merged.values())
        state = (existing.generation, existing.revision, generation, context.ttl)
        delta = existing.delta or copied.delta
        counts = (kept_log + copied_log, delta, ancestors, len(merged))
        writes = _merged_writes(existing.writes, copied.writes)
        replaced = yield RunScript(REWRITE, target, (*state, *counts, *merged.values(), *writes))
        context.memory.forget(target.head)
        if replaced:
            return
    raise HotStoreError(f"thread {target_id!r} is written to all the time; copy to it later")


class _Thread(NamedTuple):
    """A thread as the script `dump` returns it."""

    thread_id: str
    generation: bytes
    revision: int
    members: list[bytes]
    writes: list[bytes]
    log: bytes
    delta: bytes


_NOTHING: tuple[Any, ...] = (b"", 0, [], [], b"", b"")


def _add(thread: _Thread, offset: int, generation: str, merged: dict[bytes, bytes]) -> bytes:
    """Add a thread's checkpoints to the merged ones, by address; returns their log."""
    records = [(member[:1], decode_record(member, thread.thread_id)) for member in thread.members]
    compaction = Compaction(
        thread.thread_id, thread.generation, [r for _, r in records], thread.log, offset
    )
    for tag, record in records:
        # A checkpoint that can be listed is worth more than one kept as an ancestor.
        if tag == LISTED or record.address not in merged:
            merged[record.address] = compaction.member(tag, record, generation)
    return compaction.log


def _merged_writes(old: list[bytes], new: list[bytes]) -> list[bytes]:
    """Return the writes of both; of two in one place the new one."""
    return list({_place(write): write for write in [*old, *new]}.values())


def _place(write: bytes) -> bytes:
    """Return what says where a write belongs: its address and its index."""
    return write[: split_address(write, 3)[1] + INDEX_LENGTH]

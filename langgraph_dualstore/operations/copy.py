"""Copying a thread."""

from __future__ import annotations

from langgraph_dualstore._steps import Operation, RunScript
from langgraph_dualstore.errors import HotStoreError
from langgraph_dualstore.hot.compaction import Compaction
from langgraph_dualstore.hot.keys import INDEX_LENGTH, LISTED, split_address
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
    _, _, members, writes, log = dump
    for _ in range(_ATTEMPTS):
        existing = yield RunScript(DUMP, target)
        seen, revision, old_members, old_writes, old_log = existing or (b"", 0, [], [], b"")
        generation = new_generation()
        merged: dict[bytes, bytes] = {}
        kept = _rewritten(old_members, old_log, 0, generation, target_id, merged)
        copied = _rewritten(members, log, len(kept), generation, source_id, merged)
        all_writes = _merged_writes(old_writes, writes)
        replaced = yield RunScript(
            REWRITE,
            target,
            (
                seen,
                revision,
                generation,
                context.ttl,
                kept + copied,
                len(merged),
                *merged.values(),
                *all_writes,
            ),
        )
        context.memory.forget(target.head)
        if replaced:
            return
    raise HotStoreError(f"thread {target_id!r} is written to all the time; copy to it later")


def _rewritten(
    members: list[bytes],
    log: bytes,
    offset: int,
    generation: str,
    thread_id: str,
    merged: dict[bytes, bytes],
) -> bytes:
    """Add a thread's checkpoints to the merged ones, by address; returns their log."""
    records = [(member[:1], decode_record(member, thread_id)) for member in members]
    compaction = Compaction([record for _, record in records], log, offset)
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

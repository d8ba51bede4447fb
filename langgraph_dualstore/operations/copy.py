"""Copying a thread."""

from __future__ import annotations

from langgraph_dualstore._steps import Operation
from langgraph_dualstore.errors import HotStoreError
from langgraph_dualstore.hot.compaction import Compaction
from langgraph_dualstore.hot.journal import decode_journal
from langgraph_dualstore.hot.keys import INDEX_LENGTH, LISTED, split_address
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import decode_record
from langgraph_dualstore.operations.context import Context, new_generation
from langgraph_dualstore.operations.rebinding import rebound
from langgraph_dualstore.operations.restore import restore_if_absent
from langgraph_dualstore.operations.rewrite import ATTEMPTS, Whole, dump, replace
from langgraph_dualstore.operations.turn_logs import copy_logs


def copy_thread(context: Context, source_id: str, target_id: str) -> Operation[None]:
    """Copy everything of a thread, ancestors of delta channels included.

    A target that exists keeps what the source does not have. A source that does not
    exist copies nothing.

    Raises:
        HotStoreError: The target was written to in each of ten attempts.
    """
    source, target = context.keys(source_id), context.keys(target_id)
    for thread_id in (source_id, target_id):
        yield from restore_if_absent(context, thread_id)
    copied = yield from dump(source)
    if copied is None or source == target:
        return
    copied = rebound(context, source_id, target_id, copied)
    due = context.due(target_id, soon=True)
    for _ in range(ATTEMPTS):
        existing = yield from dump(target)
        generation = new_generation()
        merged: dict[bytes, bytes] = {}
        log, journal = b"", b""
        for thread_id, thread in ((target_id, existing), (source_id, copied)):
            if thread is not None:
                added = _add(thread_id, thread, len(log), generation, merged)
                log, journal = log + added[0], journal + added[1]
        replaced = yield from replace(
            context,
            target,
            existing,
            generation=generation,
            log=log,
            delta=bool(copied.delta or (existing and existing.delta)),
            members=merged.values(),
            writes=_merged_writes(existing.writes if existing else [], copied.writes),
            journal=journal,
            due=due,
        )
        if replaced:
            yield from copy_logs(context, source_id, target_id)
            if context.archiving and due:
                context.archiving.notice(soon=True)
            return
    raise HotStoreError(f"thread {target_id!r} is written to all the time; copy to it later")


def _add(
    thread_id: str, thread: Whole, offset: int, generation: str, merged: dict[bytes, bytes]
) -> tuple[bytes, bytes]:
    """Add a thread's checkpoints to the merged ones, by address.

    Returns:
        Their log and their journal.
    """
    journal = decode_journal(thread.journal, thread_id)
    records = [(member[:1], decode_record(member, thread_id)) for member in thread.members]
    compaction = Compaction(
        thread_id,
        thread.generation,
        [record for _, record in records],
        LogCopy.whole(thread.log),
        offset,
        journal,
    )
    for tag, record in records:
        # A checkpoint that can be listed is worth more than one kept as an ancestor.
        if tag == LISTED or record.address not in merged:
            merged[record.address] = compaction.member(tag, record, generation)
    return compaction.log, compaction.journal(journal)


def _merged_writes(old: list[bytes], new: list[bytes]) -> list[bytes]:
    """Return the writes of both; of two in one place the new one."""
    return list({_place(write): write for write in [*old, *new]}.values())


def _place(write: bytes) -> bytes:
    """Return what says where a write belongs: its address and its index."""
    return write[: split_address(write, 3)[1] + INDEX_LENGTH]

"""Removing threads so that nothing is left of them, and what is old from the archive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from langgraph_dualstore._steps import AskArchive, Operation, Scan, Together
from langgraph_dualstore.archive import Counted, StoredSession
from langgraph_dualstore.hot.keys import head_pattern, thread_ids_of
from langgraph_dualstore.infos import PurgeReport, Receipt
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.delete import remove_thread
from langgraph_dualstore.operations.states import owners_of, peek_step, peeked

_PAGE = 100
_KEYS = 1000

PurgeOperation = Operation[PurgeReport]


def erase_thread(context: Context, thread_id: str) -> Operation[Receipt]:
    """Erase a thread."""
    asked = AskArchive("delete", (thread_id,), {"keep_transcript": False})
    if context.archiving and context.archiving.searchable:
        asked = AskArchive("erase", (thread_id,))
    hot, replied = yield from remove_thread(context, thread_id, asked)
    removed = replied if isinstance(replied, Counted) else Counted(sessions=int(bool(replied)))
    return Receipt(
        thread_ids=(thread_id,) if hot or any(removed) else (),
        hot_keys=hot,
        sessions=removed.sessions,
        messages=removed.messages,
        turns=removed.turns,
        entries=removed.entries,
    )


def erase_user(context: Context, user_id: str) -> Operation[Receipt]:
    """Erase all threads of a user.

    The archive is searched once more at last: a thread may have been archived, and have
    left Redis, before it was looked for there.
    """
    receipt = yield from _erase_archived(context, user_id)
    receipt += yield from _erase_hot(context, user_id)
    receipt += yield from _erase_archived(context, user_id)
    return receipt


def _erase_archived(context: Context, user_id: str) -> Operation[Receipt]:
    receipt = Receipt()
    if context.archiving is None or not context.archiving.searchable:
        return receipt
    options = {"user_id": user_id, "status": None, "since": None, "limit": _PAGE, "deleted": True}
    after: str | None = None
    while True:
        given = {**options, "after": after}
        found: Sequence[tuple[str, StoredSession]] = yield AskArchive("find_sessions", (), given)
        for _, session in found:
            receipt += yield from erase_thread(context, session.thread_id)
        if len(found) < _PAGE:
            return receipt
        after = found[-1][0]


def _erase_hot(context: Context, user_id: str) -> Operation[Receipt]:
    receipt = Receipt()
    prefix = context.settings.prefix
    node, cursor = "", 0
    while True:
        node, cursor, heads = yield Scan(head_pattern(prefix), node, cursor, _KEYS)
        thread_ids = list(dict.fromkeys(thread_ids_of(prefix, heads)))
        replies = yield Together([peek_step(context, thread_id) for thread_id in thread_ids])
        for thread_id, reply in zip(thread_ids, replies, strict=True):
            found = peeked(thread_id, reply)
            if found is not None and user_id in owners_of(context, thread_id, found):
                receipt += yield from erase_thread(context, thread_id)
        if not node and not cursor:
            return receipt


def purge(before: datetime, batch: int, *, dry_run: bool) -> PurgeOperation:
    """Remove threads from the archive, a batch at a time."""
    total = Counted()
    while True:
        removed: Counted = yield AskArchive(
            "purge", (before,), {"limit": batch, "dry_run": dry_run}
        )
        total = Counted(*map(sum, zip(total, removed, strict=True)))
        if dry_run or not (removed.sessions or removed.tombstones):
            return PurgeReport(before=before, dry_run=dry_run, removed=total)

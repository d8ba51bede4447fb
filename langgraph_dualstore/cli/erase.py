"""The command `erase`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import typer

from langgraph_dualstore.cli.both_tiers import finds_all
from langgraph_dualstore.cli.confirming import confirm
from langgraph_dualstore.cli.consoles import fail, print_json, say
from langgraph_dualstore.cli.documents import as_document
from langgraph_dualstore.cli.formats import counted, listed
from langgraph_dualstore.cli.one_by_one import Refused, one_by_one
from langgraph_dualstore.cli.options import AllOfUser, AsJson, ThreadIds, Yes, require_one
from langgraph_dualstore.infos import Receipt
from langgraph_dualstore.paging import ids_of
from langgraph_dualstore.saver import DualStoreSaver

_MANY = 10  # threads that are worth a progress bar


def erase_threads(
    saver: DualStoreSaver,
    *,
    threads: ThreadIds = None,
    user: AllOfUser = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove everything of threads from Redis and from the archive, for good.

    Asks before it does, and prints what was removed where. What is left in the archive is a
    mark without a name; `prune` removes it in time. A graph that is still running would
    begin its thread anew.
    """
    require_one(("THREAD", threads), ("--user", user))
    confirm(_question(saver, threads or [], user), yes=yes)
    erasing = _Erasing(saver)
    try:
        complete = erasing.threads(threads or []) if user is None else erasing.user(user)
        erasing.ended = True
    finally:
        # What was done before Ctrl-C was pressed, or a server failed, is told as well.
        if erasing.ended or erasing.receipt.thread_ids:
            _print_receipt(saver, erasing.receipt, as_json=as_json)
    if user is not None and not finds_all(saver):
        complete = False
    if user is not None and not erasing.receipt.thread_ids:
        fail(f"user '{user}' has no threads")
    if not complete:
        raise typer.Exit(1)


class _Erasing:
    """What is being erased.

    Attributes:
        receipt: What was erased so far.
        ended: Whether that is all.
    """

    def __init__(self, saver: DualStoreSaver) -> None:
        self.receipt = Receipt()
        self.ended = False
        self._saver = saver

    def threads(self, thread_ids: list[str]) -> bool:
        """Erase some threads; returns whether all of them were there."""
        bar = "Erasing" if len(thread_ids) > _MANY else None
        return one_by_one(thread_ids, self._there, done="erased", bar=bar)

    def user(self, user_id: str) -> bool:
        """Erase all threads of a user; returns whether that could be done."""
        # One by one, so that it can be stopped; at last those that no list tells of, like
        # transcripts that were kept when a thread was deleted.
        names = ids_of(partial(self._saver.list_threads, user_id=user_id))
        complete = one_by_one(names, self._erase, done="erased", bar="Erasing")
        self.receipt += self._saver.erase_user(user_id)
        return complete

    def _there(self, thread_id: str) -> None:
        if not self._erase(thread_id).thread_ids:
            raise Refused(f"there is no thread '{thread_id}'")

    def _erase(self, thread_id: str) -> Receipt:
        receipt = self._saver.erase_thread(thread_id)
        self.receipt += receipt
        return receipt


def _question(saver: DualStoreSaver, threads: Sequence[str], user: str | None) -> str:
    what = f"all threads of user '{user}'"
    if user is None:
        what = f"thread '{threads[0]}'" if len(threads) == 1 else counted(len(threads), "thread")
    where = "Redis and the archive" if saver.servers.cold else "Redis (there is no archive)"
    return f"Erase {what} from {where}, for good?"


def _print_receipt(saver: DualStoreSaver, receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json({**as_document(receipt), "archive": saver.servers.cold})
        return
    count = len(receipt.thread_ids)
    say(f"Erased {counted(count, 'thread')}" if count else "Nothing was erased")
    say(f"  in Redis: {counted(receipt.hot_keys, 'key')}")
    say(f"  in the archive: {_archived(saver, receipt)}")


def _archived(saver: DualStoreSaver, receipt: Receipt) -> str:
    if saver.servers.cold is None:
        return "not looked at, as none is known; --postgres says where it is"
    counts = {
        "thread": receipt.sessions,
        "message": receipt.messages,
        "turn": receipt.turns,
        "piece": receipt.entries,
    }
    told = listed([counted(count, noun) for noun, count in counts.items()])
    return f"{told} to restore from"

"""The command `restore`."""

from __future__ import annotations

from datetime import timedelta

import typer

from langgraph_dualstore.cli.consoles import say
from langgraph_dualstore.cli.formats import span
from langgraph_dualstore.cli.one_by_one import Refused, one_by_one
from langgraph_dualstore.cli.options import SomeThreadIds
from langgraph_dualstore.saver import DualStoreSaver

_ABSENT = timedelta(0)


def restore_threads(saver: DualStoreSaver, *, threads: SomeThreadIds) -> None:
    """Bring threads back from the archive, with a full TTL.

    Reading a thread does so by itself. One that is in Redis is left as it is.
    """
    if not one_by_one(threads, lambda name: _restore(saver, name), done="restored"):
        raise typer.Exit(1)


def _restore(saver: DualStoreSaver, thread_id: str) -> None:
    was_there = saver.ttl_of(thread_id) != _ABSENT
    if not was_there and not saver.restore_thread(thread_id):
        raise Refused(f"there is no thread '{thread_id}', or nothing that it can be restored from")
    left = saver.ttl_of(thread_id)
    kept = "for ever" if left is None else f"for {span(left)}"
    told = f"{'in Redis already' if was_there else 'restored'}, {kept}"
    say(f"{thread_id}: {told}")

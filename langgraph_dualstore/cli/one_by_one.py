"""Doing something to threads, one after the other, and telling what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import typer

from langgraph_dualstore.cli.consoles import complain, telling
from langgraph_dualstore.cli.interrupts import INTERRUPTED, held_back
from langgraph_dualstore.cli.progress import progress_bar
from langgraph_dualstore.errors import (
    ArchiveRejected,
    CorruptRecord,
    UnknownMessageType,
    UnserializableState,
)

_FAULTY = (ArchiveRejected, CorruptRecord, UnknownMessageType, UnserializableState)
"""Errors that are a thread's own; with any other one, the next thread would fare no better."""


class Refused(Exception):
    """Something cannot be done to a thread; the message is a sentence."""


def one_by_one(
    thread_ids: Iterable[str],
    act: Callable[[str], object],
    *,
    done: str,
    bar: str | None = None,
) -> bool:
    """Do something to each of some threads, also if another one is at fault.

    Ctrl-C takes effect between two threads, a second one at once.

    Args:
        thread_ids: The threads; one that a list names twice is taken once.
        act: Does it to one.
        done: What they then are, like "archived".
        bar: What a progress bar says, `None` for none.

    Returns:
        Whether it was done to all of them; why not has been said.

    Raises:
        typer.Exit: With 130: Ctrl-C was pressed.
        DualStoreError: A server is at fault.
    """
    named = list(dict.fromkeys(thread_ids)) if isinstance(thread_ids, list) else thread_ids
    total = len(named) if isinstance(named, list) else None
    acted = failed = 0
    try:
        with held_back() as stop_if_pressed, progress_bar(shown=bar is not None) as progress:
            for thread_id in progress.track(named, total, description=bar or ""):
                stop_if_pressed()
                try:
                    act(thread_id)
                    acted += 1
                except (Refused, *_FAULTY) as error:
                    own = isinstance(error, Refused)
                    complain(str(error) if own else f"thread '{thread_id}': {error}")
                    failed += 1
    except KeyboardInterrupt:
        of = "" if total is None else f" of {total:,}"
        telling().print(f"Stopped: {acted:,}{of} {done}.")
        raise typer.Exit(INTERRUPTED) from None
    return not failed

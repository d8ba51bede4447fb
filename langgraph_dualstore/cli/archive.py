"""The command `archive`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import typer

from langgraph_dualstore import archiver
from langgraph_dualstore.cli.consoles import complain, printing, say, telling
from langgraph_dualstore.cli.formats import counted
from langgraph_dualstore.cli.interrupts import INTERRUPTED, held_back
from langgraph_dualstore.cli.one_by_one import Refused, one_by_one
from langgraph_dualstore.cli.options import ThreadIds, require_one
from langgraph_dualstore.cli.progress import progress_bar
from langgraph_dualstore.cli.quiet import quiet
from langgraph_dualstore.errors import DualStoreError
from langgraph_dualstore.paging import pages_of
from langgraph_dualstore.saver import DualStoreSaver

_SLICE = 0.5  # seconds between two looks at how far it has come


def archive_threads(
    saver: DualStoreSaver,
    *,
    threads: ThreadIds = None,
    due: Annotated[
        bool, typer.Option("--due", help="All threads that are due, or soon will be.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="All threads in Redis, due or not.")
    ] = False,
    recheck: Annotated[
        bool,
        typer.Option(
            "--recheck",
            help="Ask the archive what it has, instead of believing what Redis notes of that: "
            "after PostgreSQL was restored from a backup.",
        ),
    ] = False,
) -> None:
    """Archive threads as they stand, now.

    What is archived already is not written again. The transcript is made with the default
    settings: if yours have `redact`, a serializer or the like, name your saver with --saver.

    With --due it archives what workers would, and waits for those that are at it.
    """
    require_one(("THREAD", threads), ("--due", due), ("--all", everything))
    if due and recheck:
        raise typer.BadParameter("not together with --due", param_hint="--recheck")
    saver.check()
    if due:
        _archive_due(saver)
    elif everything:
        _archive_all(saver, recheck=recheck)
    else:
        archive = partial(_archive, saver, recheck=recheck)
        if not one_by_one(threads or [], archive, done="archived"):
            raise typer.Exit(1)


def _archive_all(saver: DualStoreSaver, *, recheck: bool) -> None:
    count = 0

    def archive(thread_id: str) -> None:
        nonlocal count
        count += saver.archive_thread(thread_id, recheck=recheck) != "absent"

    complete = one_by_one(_in_redis(saver), archive, done="archived", bar="Archiving")
    printing().print(f"Archived {counted(count, 'thread')}.")
    if not complete:
        raise typer.Exit(1)


def _in_redis(saver: DualStoreSaver) -> Iterator[str]:
    for threads in pages_of(saver.list_threads):
        for info in threads:
            if info.where == "cold":  # those that are only archived come last
                return
            yield info.thread_id


def _archive(saver: DualStoreSaver, thread_id: str, *, recheck: bool) -> None:
    outcome = saver.archive_thread(thread_id, recheck=recheck)
    told = "archived"
    if outcome == "changed":
        told = "archived as it was; it is being written to"
    elif outcome == "absent":
        if saver.thread(thread_id) is None:
            raise Refused(f"there is no thread '{thread_id}'")
        told = "archived before; it has left Redis"
    say(f"{thread_id}: {told}")


def _archive_due(saver: DualStoreSaver) -> None:
    before = {letter.thread_id for letter in saver.backlog().dead}
    working = saver.archiver
    stopped = False
    # What it logs of a thread that it sets aside is told below.
    with quiet(archiver.__name__), held_back() as stop_if_pressed, progress_bar() as progress:
        task = progress.add_task("Archiving", total=saver.backlog().due)
        complete = False
        try:
            while not complete:
                stop_if_pressed()
                complete, left = working.drain(_SLICE)
                progress.update(task, completed=working.archived, total=working.archived + left)
        except KeyboardInterrupt:
            stopped = True
        except DualStoreError:
            if working.archived:
                telling().print(f"Archived {counted(working.archived, 'thread')} before this:")
            raise
    backlog = saver.backlog()
    waiting = f"; {backlog.queued:,} wait for their time" if backlog.queued else ""
    if stopped:
        telling().print(f"Stopped: {working.archived:,} archived{waiting}.")
        raise typer.Exit(INTERRUPTED)
    printing().print(f"Archived {counted(working.archived, 'thread')}{waiting}.")
    dead = [letter for letter in backlog.dead if letter.thread_id not in before]
    for letter in dead:
        complain(f"thread '{letter.thread_id}' is set aside: {letter.error}")
    if dead:
        raise typer.Exit(1)

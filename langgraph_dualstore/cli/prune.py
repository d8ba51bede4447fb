"""The command `prune`."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from langgraph_dualstore.archive import Counted
from langgraph_dualstore.cli.confirming import confirm, require_somebody
from langgraph_dualstore.cli.consoles import print_json, say, telling
from langgraph_dualstore.cli.documents import as_document
from langgraph_dualstore.cli.formats import at_utc, counted, listed
from langgraph_dualstore.cli.interrupts import INTERRUPTED
from langgraph_dualstore.cli.moments import moment
from langgraph_dualstore.cli.options import AsJson, Yes
from langgraph_dualstore.infos import PurgeReport
from langgraph_dualstore.saver import DualStoreSaver


def prune_archive(
    saver: DualStoreSaver,
    *,
    older_than: Annotated[
        datetime,
        typer.Option(
            "--older-than",
            parser=moment,
            metavar="AGE|TIME",
            help="90d, 12h, 30min, or an ISO time: what was active last before that goes.",
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove old threads from the archive, for good, with all that is theirs.

    Counts, and asks before it removes. Marks of threads that were deleted go as well when
    they are as old. Redis is left alone: a thread there lives by its TTL, and is archived
    anew if it is written to.

    It removes some hundred threads at a time, each of them whole. When it was stopped, the
    same command goes on.
    """
    if not dry_run:
        require_somebody(yes=yes)
    found = saver.purge(older_than, dry_run=True)
    before = at_utc(found.before)
    if dry_run or not _threads(found.removed):
        _report(replace(found, dry_run=dry_run), before, as_json=as_json)
        return
    what = _counted(found.removed)
    confirm(f"Remove {what}, last active before {before}, for good?", yes=yes)
    try:
        with _busy(f"Removing {what}"):
            removed = saver.purge(found.before)
    except KeyboardInterrupt:
        left = saver.purge(found.before, dry_run=True).removed
        gone = max(0, _threads(found.removed) - _threads(left))
        telling().print(f"Stopped: {gone:,} of {_threads(found.removed):,} removed.")
        raise typer.Exit(INTERRUPTED) from None
    _report(removed, before, as_json=as_json)


def _report(report: PurgeReport, before: str, *, as_json: bool) -> None:
    if as_json:
        print_json(as_document(report))
    elif not _threads(report.removed):
        say(f"Nothing in the archive was active last before {before}.", wrap=True)
    else:
        removed = "Would remove" if report.dry_run else "Removed"
        say(f"{removed} {_counted(report.removed)}, last active before {before}.", wrap=True)


def _threads(counts: Counted) -> int:
    return counts.sessions + counts.tombstones


def _counted(counts: Counted) -> str:
    told = [counted(counts.sessions, "thread"), counted(counts.messages, "message")]
    if counts.tombstones:
        told.append(f"{counted(counts.tombstones, 'mark')} of what was deleted")
    return listed(told)


def _busy(sentence: str) -> contextlib.AbstractContextManager[object]:
    console = telling()
    return console.status(sentence) if console.is_terminal else contextlib.nullcontext()

"""The command `threads`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from langgraph_dualstore.cli.both_tiers import finds_all
from langgraph_dualstore.cli.consoles import printing, telling
from langgraph_dualstore.cli.documents import as_document, print_line
from langgraph_dualstore.cli.formats import ago, span
from langgraph_dualstore.cli.moments import moment
from langgraph_dualstore.cli.options import AsJsonLines
from langgraph_dualstore.cli.rows import Column, Rows
from langgraph_dualstore.cli.texts import visible
from langgraph_dualstore.infos import ThreadInfo
from langgraph_dualstore.paging import page_of, pages_of
from langgraph_dualstore.saver import DualStoreSaver

_LIMIT = 50
_COLUMNS = (
    Column("thread", least=12),
    Column("user", least=8),
    Column("status"),
    Column("where"),
    Column("messages", right=True),
    Column("active", right=True),
    Column("ttl", right=True),
)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Standing(StrEnum):
    """`Status`, as an option has it."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    ERROR = "error"
    IDLE = "idle"


def list_threads(
    saver: DualStoreSaver,
    *,
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="Only the threads of this user.")
    ] = None,
    status: Annotated[
        Standing | None,
        typer.Option(metavar="STATUS", help="Only finished, interrupted, error or idle threads."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="AGE|TIME",
            help="Only threads that were active since: 2d, 12h, 30min, or an ISO time.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", metavar="N", min=1, help=f"How many at most; {_LIMIT} by default."
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(metavar="CURSOR", help="The next page, as the page before said."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All pages, printed as they come.")
    ] = False,
    as_json: AsJsonLines = False,
) -> None:
    """List threads, of Redis and of the archive.

    First come those in Redis, in no order, then those that are only archived, the one that
    was active last first. What is printed as one page is sorted by that.

    A terminal that is too narrow for a name shows its beginning and its end; in a pipe and
    in JSON names are whole.
    """
    if everything and limit is not None:
        raise typer.BadParameter("--all has no limit", param_hint="--limit")
    ask = partial(
        saver.list_threads,
        user_id=user,
        status=None if status is None else status.value,
        since=since,
    )
    finds_all(saver)
    show = _Shown(as_json=as_json)
    if everything:
        for threads in pages_of(ask, after):
            show.print(threads)
        show.end(None)
    else:
        page = page_of(ask, limit or _LIMIT, after)
        newest_first = sorted(
            page.threads, key=lambda info: info.last_activity_at or _LONG_AGO, reverse=True
        )
        show.print(newest_first)
        show.end(page.next)


class _Shown:
    """Threads as they are printed."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._rows = Rows(printing(), _COLUMNS)
        self._count = 0

    def print(self, threads: Sequence[ThreadInfo]) -> None:
        self._count += len(threads)
        if self._as_json:
            for info in threads:
                print_line(as_document(info))
        else:
            self._rows.print([_cells(info) for info in threads])

    def end(self, following: str | None) -> None:
        console = telling()
        if not self._count:
            console.print("There are no such threads.")
        if self._rows.cut:
            console.print("Names are shortened; in a pipe, and with --json, they are whole.")
        if following is not None:
            console.print(f"There may be more: --after {following}", markup=False, soft_wrap=True)


def _cells(info: ThreadInfo) -> tuple[str, ...]:
    kept = "-" if info.where == "cold" else "for ever" if info.ttl is None else span(info.ttl)
    return (
        visible(info.thread_id),
        visible(info.user_id or "-"),
        info.status or "-",
        info.where,
        "-" if info.message_count is None else f"{info.message_count:,}",
        ago(info.last_activity_at),
        kept,
    )

"""The command `copy`."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from langgraph_dualstore.cli.consoles import fail, print_json, printing, telling
from langgraph_dualstore.cli.formats import counted, span
from langgraph_dualstore.cli.interrupts import watched_for_end
from langgraph_dualstore.cli.options import AsJson
from langgraph_dualstore.cli.progress import progress_bar
from langgraph_dualstore.cli.sources import Source, opened_source, told
from langgraph_dualstore.copying import Copy
from langgraph_dualstore.copying.copier import Copier
from langgraph_dualstore.copying.threads import require_other
from langgraph_dualstore.errors import ConfigurationError, DualStoreError
from langgraph_dualstore.saver import DualStoreSaver

_SIGNALLED = 128  # to which a shell adds the number of the signal that ended a command

_Ended = Callable[[], signal.Signals | None]


def run_copy(
    saver: DualStoreSaver,
    *,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="MODULE:NAME",
            help="What is copied from: a checkpointer, or a function or context manager of yours "
            "that gives one, sync or async.",
        ),
    ],
    thread: Annotated[
        list[str] | None,
        typer.Option("--thread", metavar="ID", help="Only this thread; may be given repeatedly."),
    ] = None,
    threads_from: Annotated[
        str | None,
        typer.Option(
            "--threads-from",
            metavar="FILE",
            help="Only the threads that a file names, an id in each line; - is standard input.",
        ),
    ] = None,
    archived_only: Annotated[
        bool,
        typer.Option(
            "--archived-only",
            help="Remove each thread from Redis as soon as it is archived; it comes back when "
            "somebody asks for it.",
        ),
    ] = False,
    no_archive: Annotated[
        bool, typer.Option("--no-archive", help="Leave it to a worker to archive the threads.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, and say what would be done.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy threads from another checkpointer into this one, and see to it that all is there.

    Every checkpoint of a thread, with its values, metadata and pending writes, is put, read
    back, and compared. With an archive, threads are archived as they are copied. The source
    is only read. Without --thread and --threads-from all of its threads are copied.

    Run it again as often as you like: what is there already is not copied again, what was
    left half done is completed, and a thread that has gone on since is left alone.

    Ends with 1 if a thread could not be copied; the others are.
    """
    wanted = _wanted(thread, threads_from)
    archive = False if no_archive else None
    copier = Copier(saver, archive=archive, archived_only=archived_only, dry_run=dry_run)
    saver.check()
    if saver.servers.cold is None and (ttl := saver.settings.ttl_ms) is not None:
        lifetime = span(timedelta(milliseconds=ttl))
        telling().print(f"There is no archive: what is copied expires after {lifetime}.")
    with watched_for_end() as ended, opened_source(source) as opened:
        require_other(opened.saver, saver)
        ids = _found(opened) if wanted is None else wanted
        with progress_bar() as progress:
            report = _Report(progress.console, dry_run=dry_run)
            for copy in copier.copies(opened.read, _until(ended, ids, progress)):
                report.add(copy)
    waiting = 0
    if saver.servers.cold is not None and not dry_run:
        waiting = _waiting(saver, drain=not no_archive and ended() is None)
    report.print(left=len(ids) - report.total, waiting=waiting, as_json=as_json)
    if (arrived := ended()) is not None:
        raise typer.Exit(_SIGNALLED + arrived)
    if report.outcomes["failed"]:
        raise typer.Exit(1)


def _wanted(named: Sequence[str] | None, file: str | None) -> list[str] | None:
    if not named and file is None:
        return None
    lines: list[str] = []
    try:
        if file == "-":
            lines = sys.stdin.read().splitlines()
        elif file is not None:
            lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--threads-from: {file} cannot be read: {error}") from error
    return list(dict.fromkeys([*(named or []), *filter(None, lines)]))


def _found(source: Source) -> list[str]:
    console = telling()
    try:
        if not console.is_terminal:
            return source.find()
        with console.status("Looking for threads"):
            return source.find()
    except DualStoreError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the source raises
        fail(f"the source's threads cannot be listed: {told(error)}")


def _until(ended: _Ended, thread_ids: Sequence[str], progress: Progress) -> Iterator[str]:
    """Yield thread ids until a signal arrives; what was copied by then is still archived."""
    task = progress.add_task("Copying threads", total=len(thread_ids))
    for thread_id in thread_ids:
        if ended() is not None:
            return
        yield thread_id
        progress.advance(task)


def _waiting(saver: DualStoreSaver, *, drain: bool) -> int:
    """Return how many threads are due to be archived.

    Args:
        saver: Where.
        drain: Archive them first. What was archived already is due, too, until that is seen.
    """
    if drain and saver.flush():
        return 0
    backlog = saver.backlog()
    return backlog.queued + backlog.leased


class _Report:
    """Counts what became of threads, and tells at once of what needs attention."""

    def __init__(self, console: Console, *, dry_run: bool) -> None:
        self.outcomes: Counter[str] = Counter()
        self._numbers: Counter[str] = Counter()
        self._told: list[dict[str, Any]] = []
        self._dry_run = dry_run
        self._console = console

    @property
    def total(self) -> int:
        """How many threads there were."""
        return self.outcomes.total()

    def add(self, copy: Copy) -> None:
        """Count a thread, and say what is wrong with it."""
        self.outcomes[copy.outcome] += 1
        self._numbers["archived"] += copy.archived
        self._numbers["evicted"] += copy.evicted
        if copy.outcome == "copied":
            self._numbers["checkpoints"] += copy.checkpoints
            self._numbers["writes"] += copy.writes
        if copy.problem is None:
            return
        self._told.append(
            {"thread_id": copy.thread_id, "outcome": copy.outcome, "problem": copy.problem}
        )
        style = "red" if copy.outcome == "failed" else None
        self._console.print(
            f"Thread {copy.thread_id!r}: {copy.problem}.",
            style=style,
            markup=False,
            soft_wrap=not self._console.is_terminal,
        )

    def print(self, *, left: int, waiting: int, as_json: bool) -> None:
        """Print what became of all.

        Args:
            left: How many threads were not looked at.
            waiting: How many wait to be archived.
            as_json: For a script.
        """
        names = ("copied", "unchanged", "ahead", "deleted", "failed")
        counts = {name: self.outcomes[name] for name in names}
        if as_json:
            numbers = {
                name: self._numbers[name]
                for name in ("checkpoints", "writes", "archived", "evicted")
            }
            others = {
                "left": left,
                "waiting": waiting,
                "dry_run": self._dry_run,
                "threads": self._told,
            }
            print_json({**counts, **numbers, **others})
            return
        printing().print(self._sentence(counts, left, waiting), markup=False, soft_wrap=True)

    def _sentence(self, counts: dict[str, int], left: int, waiting: int) -> str:
        copied = counted(counts["copied"], "thread")
        if self._dry_run:
            parts = [f"Would copy {copied}"]
        else:
            checkpoints = counted(self._numbers["checkpoints"], "checkpoint")
            parts = [f"Copied {copied} with {checkpoints}"]
        said = {
            "unchanged": "there already",
            "ahead": "left alone, for the target has gone on",
            "deleted": "left alone, for the target has deleted it",
            "failed": "failed",
        }
        parts += [f"{counts[name]:,} {text}" for name, text in said.items() if counts[name]]
        parts += [f"{left:,} not looked at"] if left else []
        archived, evicted = self._numbers["archived"], self._numbers["evicted"]
        if archived:
            gone = f", {evicted:,} of them there only" if evicted else ""
            parts.append(f"{archived:,} in the archive{gone}")
        parts += [f"{waiting:,} wait to be archived"] if waiting else []
        return "; ".join(parts) + "."

"""The command `export`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, TextIO

import typer

from langgraph_dualstore.cli.both_tiers import finds_all
from langgraph_dualstore.cli.consoles import fail, telling
from langgraph_dualstore.cli.files import written_whole
from langgraph_dualstore.cli.formats import counted
from langgraph_dualstore.cli.one_by_one import Refused, one_by_one
from langgraph_dualstore.cli.options import AllOfUser, ThreadIds, require_one
from langgraph_dualstore.paging import ids_of
from langgraph_dualstore.saver import DualStoreSaver

_STDOUT = Path("-")
_MANY = 10  # threads that are worth a progress bar


def export_threads(
    saver: DualStoreSaver,
    *,
    threads: ThreadIds = None,
    user: AllOfUser = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write, instead of standard output. The file is there once it is "
            "complete.",
            show_default=False,
        ),
    ] = _STDOUT,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there already.")
    ] = False,
) -> None:
    """Write all that there is of threads, as lines of JSON.

    Each line is an object with its `kind`. A thread begins with its `session`; then come
    each `message`, those that the graph has removed too, each `turn_log`, and the `state`.
    Nothing is brought back from the archive.
    """
    require_one(("THREAD", threads), ("--user", user))
    names: Iterable[str] = threads or []
    if user is not None:
        finds_all(saver)
        names = ids_of(partial(saver.list_threads, user_id=user))
    to_stdout = output == _STDOUT
    many = user is not None or len(threads or ()) > _MANY
    with _opened(output, force=force) as file:
        written = _Written(saver, file, of_user=user is not None)
        shown = many and not (to_stdout and sys.stdout.isatty())
        complete = one_by_one(
            names,
            written.add,
            done="exported" if to_stdout else "read, and no file was written",
            bar="Exporting" if shown else None,
        )
        if not written.count:
            if user is not None:
                fail(f"user '{user}' has no threads")
            raise typer.Exit(1)
    if not to_stdout:
        telling().print(
            f"{counted(written.count, 'thread')} in {output}", markup=False, soft_wrap=True
        )
    if not complete:
        raise typer.Exit(1)


def _opened(output: Path, *, force: bool) -> contextlib.AbstractContextManager[TextIO]:
    if output == _STDOUT:
        return contextlib.nullcontext(sys.stdout)
    return written_whole(output, force=force)


class _Written:
    """Threads as they are written to a file, each of them whole.

    Args:
        saver: Who knows them.
        file: Where to.
        of_user: Whether they were found, so that one may be gone by now.
    """

    def __init__(self, saver: DualStoreSaver, file: TextIO, *, of_user: bool) -> None:
        self.count = 0
        self._saver = saver
        self._file = file
        self._found = of_user

    def add(self, thread_id: str) -> None:
        lines = list(self._saver.export_thread(thread_id))
        if not lines and not self._found:
            raise Refused(f"there is no thread '{thread_id}'")
        self._file.writelines(f"{line}\n" for line in lines)
        self._file.flush()
        self.count += bool(lines)

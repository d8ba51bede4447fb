"""The commands `dead-letters` and `dead-letters retry`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from langgraph_dualstore.cli.consoles import printing, say, telling
from langgraph_dualstore.cli.documents import iso, print_line
from langgraph_dualstore.cli.formats import ago
from langgraph_dualstore.cli.one_by_one import Refused, one_by_one
from langgraph_dualstore.cli.options import AsJsonLines, ThreadIds, require_one
from langgraph_dualstore.cli.texts import visible
from langgraph_dualstore.saver import DualStoreSaver


def list_dead_letters(saver: DualStoreSaver, *, as_json: AsJsonLines = False) -> None:
    """List threads that could not be archived and were set aside, and why.

    They stay in Redis without an expiry until they are tried again with `retry`, or erased.
    `show` shows one, and `export` saves what can be read of it.
    """
    letters = sorted(saver.backlog().dead, key=lambda letter: letter.failed_at)
    if not letters:
        telling().print("Nothing was set aside.")
    console = printing()
    for letter in letters:
        if as_json:
            print_line({**letter._asdict(), "failed_at": iso(letter.failed_at)})
            continue
        say(f"{letter.thread_id}  {ago(letter.failed_at)}")
        why = Text(visible(letter.error))
        if console.is_terminal:
            console.print(Padding(why, (0, 0, 0, 2)))
        else:
            say(f"  {why}")


def retry_dead_letters(
    saver: DualStoreSaver,
    *,
    threads: ThreadIds = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were set aside.")] = False,
) -> None:
    """Queue threads that were set aside again, due at once.

    A worker archives them, or `archive --due`.
    """
    require_one(("THREAD", threads), ("--all", everything))
    names = threads or [letter.thread_id for letter in saver.backlog().dead]
    if not names:
        telling().print("Nothing was set aside.")
        return
    if not one_by_one(names, lambda name: _revive(saver, name), done="queued again"):
        raise typer.Exit(1)


def _revive(saver: DualStoreSaver, thread_id: str) -> None:
    if not saver.revive(thread_id):
        raise Refused(f"thread '{thread_id}' was not set aside")
    say(f"{thread_id}: queued again")

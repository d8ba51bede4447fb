"""Waiting until everything is archived."""

from __future__ import annotations

import time
from collections.abc import Callable

from langgraph_dualstore.cli.demo.stage import Stage
from langgraph_dualstore.cli.progress import progress_bar

_SLICE = 0.5  # seconds
_PATIENCE = 60.0


def await_archive(stage: Stage, pause: Callable[[], None]) -> None:
    """Archive what is still to be archived, and show how much is left.

    What is not archived after a minute shows in the counts.
    """
    backlog = stage.saver.backlog()
    total = backlog.queued + backlog.leased
    deadline = time.monotonic() + _PATIENCE
    with progress_bar() as progress:
        task = progress.add_task("Archiving the rest    ", total=total)
        done = False
        while not done and time.monotonic() < deadline:
            pause()
            done = stage.saver.flush(_SLICE)
            backlog = stage.saver.backlog()
            progress.update(task, completed=max(0, total - backlog.queued - backlog.leased))

"""Fetching pieces of a thread's log."""

from __future__ import annotations

from collections.abc import Sequence

from langgraph_dualstore._steps import RunScript
from langgraph_dualstore.hot.keys import ThreadKeys
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Run
from langgraph_dualstore.hot.scripts import PIECES


def pieces_step(keys: ThreadKeys, generation: str, runs: Sequence[Run]) -> RunScript:
    """Return the step that fetches stretches of a log; no reply says it is another one by now."""
    bounds = [bound for run in runs for bound in (run.start, run.end - 1)]
    return RunScript(PIECES, keys, (generation, *bounds))


def log_of(runs: Sequence[Run], pieces: Sequence[bytes]) -> LogCopy:
    """Return a copy of the log that holds what the step has fetched."""
    starts = (run.start for run in runs)
    return LogCopy.of(zip(starts, pieces, strict=True))

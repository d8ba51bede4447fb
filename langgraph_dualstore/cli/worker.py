"""The command `worker`."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Callable
from typing import Annotated

import typer

from langgraph_dualstore.archiver import Archiver
from langgraph_dualstore.cli.consoles import fail, printing
from langgraph_dualstore.cli.formats import counted
from langgraph_dualstore.cli.interrupts import INTERRUPTED, watched_for_end
from langgraph_dualstore.cli.serving import served
from langgraph_dualstore.errors import DualStoreError
from langgraph_dualstore.saver import DualStoreSaver

_logger = logging.getLogger(__name__)

_GLANCE = 0.2  # seconds between two looks for a signal
_REPORT = 1.0  # seconds between two reports of what was archived
_SLICE = 1.0

_Ended = Callable[[], signal.Signals | None]


def run_worker(
    saver: DualStoreSaver,
    *,
    once: Annotated[bool, typer.Option("--once", help="Archive what is due, and end.")] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, metavar="PORT", help="Serve metrics for Prometheus; 0: any port."
        ),
    ] = None,
    metrics_address: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to; 0.0.0.0 for other machines.")
    ] = "127.0.0.1",
) -> None:
    """Archive threads that are due, until stopped.

    Any number of workers, and savers that archive, may share a Redis and a prefix. SIGTERM
    and Ctrl-C finish the batch at hand. If a server cannot be asked when the worker starts,
    it ends with 1; later it waits until the server is back. With --once it also ends with 1
    if a thread had to be set aside.

    Unless --saver names yours, it has the default settings but for what is given here.
    """
    _log()
    saver.check()
    with watched_for_end() as ended, contextlib.ExitStack() as serving:
        hot, cold = saver.servers
        printing().print(
            f"Archiving from {hot}, keys {saver.settings.prefix}, to {cold}.",
            markup=False,
            soft_wrap=True,
        )
        if metrics_port is not None:
            url = serving.enter_context(served(saver, metrics_address, metrics_port))
            printing().print(f"Metrics at {url}", markup=False, soft_wrap=True)
        if once:
            _drain(saver, ended)
        else:
            _work(saver, ended)
        if ended() is signal.SIGINT:
            raise typer.Exit(INTERRUPTED)


def _work(saver: DualStoreSaver, ended: _Ended) -> None:
    archiver = saver.archiver
    report = _Report(saver, archiver)
    archiver.start()
    try:
        # Not a lock or an event: the handler of a signal must not wait for one.
        while ended() is None:
            time.sleep(_GLANCE)
            report.if_due()
    finally:
        archiver.stop()
    _logger.info("stopped, %s archived in all", counted(archiver.archived, "thread"))


def _drain(saver: DualStoreSaver, ended: _Ended) -> None:
    archiver = saver.archiver
    before = {letter.thread_id for letter in saver.backlog().dead}
    while ended() is None and not archiver.drain(_SLICE).complete:
        pass
    backlog = saver.backlog()
    _logger.info(
        "archived %s, %d wait for their time", counted(archiver.archived, "thread"), backlog.queued
    )
    dead = [letter for letter in backlog.dead if letter.thread_id not in before]
    if dead:
        those = counted(len(dead), "thread")
        fail(f"{those} could not be archived and had to be set aside, see above.")


class _Report:
    """Logs what was archived, no more often than that can be read."""

    def __init__(self, saver: DualStoreSaver, archiver: Archiver) -> None:
        self._saver = saver
        self._archiver = archiver
        self._told = 0
        self._told_at = time.monotonic()

    def if_due(self) -> None:
        """Log if there is something new, and the last time was not just now."""
        archived, now = self._archiver.archived, time.monotonic()
        if archived == self._told or now - self._told_at < _REPORT:
            return
        with contextlib.suppress(DualStoreError):  # which the archiver logs as well
            backlog = self._saver.backlog()
            _logger.info(
                "archived %s; %d due, %d wait for their time, %d set aside",
                counted(archived - self._told, "thread"),
                backlog.due,
                backlog.queued - backlog.due,
                len(backlog.dead),
            )
            self._told, self._told_at = archived, now


def _log() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("langgraph_dualstore").setLevel(logging.INFO)

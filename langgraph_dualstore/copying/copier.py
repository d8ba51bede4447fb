"""Copying thread by thread: looked for, put, read back, compared, archived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from langgraph_dualstore.archive import Mark
from langgraph_dualstore.copying.comparing import (
    Comparison,
    id_of,
    newest,
    newest_root,
    went_on,
)
from langgraph_dualstore.copying.copies import Copy, Outcome
from langgraph_dualstore.copying.sources import Reading
from langgraph_dualstore.copying.target import Target
from langgraph_dualstore.errors import ConfigurationError, SchemaMismatch, StoreError
from langgraph_dualstore.saver import DualStoreSaver

BATCH = 50
"""How many threads are archived together, and so are in Redis at once at most."""

_NOBODYS_FAULT = (StoreError, SchemaMismatch, ConfigurationError)
"""Errors of the target that have nothing to do with the thread."""


class Copier:
    """Copies threads to a saver.

    Args:
        target: The saver.
        archive: Whether threads are archived as soon as they are copied; `None` for what
            the saver's settings say.
        archived_only: Whether Redis is to be without what the archive has.
        dry_run: Whether nothing is changed.

    Raises:
        ConfigurationError: An archive is needed, and the saver has none.
    """

    def __init__(
        self,
        target: DualStoreSaver,
        *,
        archive: bool | None = None,
        archived_only: bool = False,
        dry_run: bool = False,
    ) -> None:
        if archived_only and archive is False:
            raise ConfigurationError("archived_only needs archive")
        has_archive = target.servers.cold is not None
        if (archive or archived_only) and not has_archive:
            raise ConfigurationError("the saver that is copied to has no archive")
        if archive is None:
            archive = archived_only or (has_archive and target.settings.archive_on != "manual")
        self._target = Target(target)
        self._keep_last = target.settings.keep_last
        self._comparison = Comparison(target.serde)
        self._archive = archive
        self._archived_only = archived_only
        self._dry_run = dry_run

    def copies(self, read: Callable[[str], Reading], thread_ids: Iterable[str]) -> Iterator[Copy]:
        """Copy threads, and yield what became of each once it is archived."""
        batch: list[Copy] = []
        for thread_id in thread_ids:
            batch.append(self.copy(thread_id, read))
            if len(batch) == BATCH:
                yield from self.settled(batch)
                batch = []
        yield from self.settled(batch)

    def copy(self, thread_id: str, read: Callable[[str], Reading]) -> Copy:
        """Copy a thread; what goes wrong with it is told, and what with the target raised."""
        try:
            reading = read(thread_id)
        except Exception as error:  # noqa: BLE001 - whatever the source raises
            return failed(thread_id, "it cannot be read", error)
        return self.take(reading)

    def take(self, reading: Reading) -> Copy:
        """Copy a thread that was read.

        Raises:
            StoreError: The target refused or failed.
        """
        try:
            return self._take(reading)
        except _NOBODYS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001 - a value that cannot be serialized, say
            return failed(reading.thread_id, "it cannot be copied", error)

    def settled(self, copies: Sequence[Copy]) -> list[Copy]:
        """Archive what was copied, and remove it from Redis, if that is wanted.

        Raises:
            StoreError: The target refused or failed.
        """
        if not self._archive or self._dry_run:
            return list(copies)
        there = ("copied", "unchanged")
        waiting = [c.thread_id for c in copies if c.outcome in there and not c.archived]
        outcomes = self._target.archive(waiting) if waiting else {}
        return [
            self._settled(copy, outcomes[copy.thread_id]) if copy.thread_id in outcomes else copy
            for copy in copies
        ]

    def _settled(self, copy: Copy, outcome: str | Exception) -> Copy:
        if isinstance(outcome, Exception):
            problem = _told("it was copied, but cannot be archived", outcome)
            return replace(copy, outcome="failed", problem=problem)
        archived = outcome == "archived"
        evict = archived and self._archived_only
        evicted = evict and self._target.saver.evict_thread(copy.thread_id)
        return replace(copy, archived=archived, evicted=evicted)

    def _take(self, reading: Reading) -> Copy:
        thread_id, theirs = reading.thread_id, reading.found
        if not theirs:
            return Copy(
                thread_id=thread_id, outcome="failed", problem="the source has no such thread"
            )
        where = self._target.where_is(thread_id)
        if isinstance(where, Mark):
            known = _told_by(where, reading)
            if known is not None or self._dry_run:
                return known or _copy(reading, "copied")
            self._target.saver.restore_thread(thread_id)
        ours = self._target.read(thread_id) if where else []
        if went_on(theirs, ours):
            return _copy(reading, "ahead", problem=_AHEAD)
        by_id = {id_of(item): item for item in ours}
        expected = newest(theirs, self._keep_last)
        differs = self._comparison.differs
        if not any(differs(item, by_id.get(id_of(item))) for item in expected):
            return _copy(reading, "unchanged")
        if self._dry_run:
            return _copy(reading, "copied")
        missing = [item for item in theirs if differs(item, by_id.get(id_of(item)))]
        self._target.write(reading, missing)
        problem = self._comparison.summary(expected, self._target.read(thread_id))
        return _copy(reading, "failed" if problem else "copied", problem=problem)


_AHEAD = "the target has gone on with it, so it is left as it is there"
_DELETED = "it was deleted in the target, and is not brought back"


def failed(thread_id: str, what: str, error: Exception) -> Copy:
    """Return that a thread could not be copied, and why."""
    return Copy(thread_id=str(thread_id), outcome="failed", problem=_told(what, error))


def _told(what: str, error: Exception) -> str:
    return f"{what}: {type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _copy(reading: Reading, outcome: Outcome, problem: str | None = None) -> Copy:
    return Copy(
        thread_id=reading.thread_id,
        outcome=outcome,
        checkpoints=len(reading.found),
        writes=sum(len(item.pending_writes or ()) for item in reading.found),
        problem=problem,
    )


def _told_by(mark: Mark, reading: Reading) -> Copy | None:
    """Return what an archive's mark says of a thread that is not in Redis, if it says enough.

    The newest checkpoint of the root graph is put last, so an archive that has it has the
    whole thread. Nothing needs to be brought back to see that.
    """
    if mark.deleted:
        return _copy(reading, "deleted", problem=_DELETED)
    last = newest_root(reading.found)
    if last and mark.checkpoint_id == last:
        return replace(_copy(reading, "unchanged"), archived=True, evicted=True)
    if mark.checkpoint_id and ("", mark.checkpoint_id) not in map(id_of, reading.found):
        return _copy(reading, "ahead", problem=_AHEAD)
    return None

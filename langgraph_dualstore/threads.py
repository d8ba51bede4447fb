"""What people do with threads, beside what LangGraph does with them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from datetime import timedelta
from typing import TypeVar

from langgraph_dualstore import operations
from langgraph_dualstore._steps import Operation
from langgraph_dualstore.archive import ArchiveHook
from langgraph_dualstore.archiver import Archiver
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.hot.keys import as_thread_id
from langgraph_dualstore.operations.archive import Outcome
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.settings import TTL

_T = TypeVar("_T")


class Threads:
    """The methods of a saver that are for people: TTLs, archiving, restoring.

    Each has an async twin.
    """

    _archiver: Archiver | None
    _hook: ArchiveHook | None

    @property
    @abstractmethod
    def _context(self) -> Context: ...

    @abstractmethod
    def _run(self, operation: Operation[_T]) -> _T: ...

    @abstractmethod
    async def _arun(self, operation: Operation[_T]) -> _T: ...

    # --- how long threads live ---

    def extend_ttl(self, thread_id: str, ttl: TTL = None) -> bool:
        """Give a thread at least this long to live; never shortens its life.

        Args:
            thread_id: The thread.
            ttl: As in `Settings.ttl`; `None` for the setting's.

        Returns:
            Whether the thread is there.

        Raises:
            ConfigurationError: The TTL is not valid.
            HotStoreError: Redis refused or failed.
        """
        return self._run(operations.extend_ttl(self._context, as_thread_id(thread_id), ttl))

    async def aextend_ttl(self, thread_id: str, ttl: TTL = None) -> bool:
        """Async twin of `extend_ttl`."""
        return await self._arun(operations.extend_ttl(self._context, as_thread_id(thread_id), ttl))

    def pin(self, thread_id: str) -> bool:
        """Keep a thread until it is unpinned, whatever is written to it.

        Returns:
            Whether the thread is there.

        Raises:
            HotStoreError: Redis refused or failed.
        """
        return self._run(operations.pin(self._context, as_thread_id(thread_id)))

    async def apin(self, thread_id: str) -> bool:
        """Async twin of `pin`."""
        return await self._arun(operations.pin(self._context, as_thread_id(thread_id)))

    def unpin(self, thread_id: str) -> bool:
        """Let a pinned thread expire again, a full TTL from now.

        Returns:
            Whether the thread was pinned.

        Raises:
            HotStoreError: Redis refused or failed.
        """
        return self._run(operations.unpin(self._context, as_thread_id(thread_id)))

    async def aunpin(self, thread_id: str) -> bool:
        """Async twin of `unpin`."""
        return await self._arun(operations.unpin(self._context, as_thread_id(thread_id)))

    def ttl_of(self, thread_id: str) -> timedelta | None:
        """Return how long a thread has left.

        Returns:
            `None` if it does not expire, zero if it is not there.

        Raises:
            HotStoreError: Redis refused or failed.
        """
        return self._run(operations.ttl_of(self._context, as_thread_id(thread_id)))

    async def attl_of(self, thread_id: str) -> timedelta | None:
        """Async twin of `ttl_of`."""
        return await self._arun(operations.ttl_of(self._context, as_thread_id(thread_id)))

    # --- the archive ---

    @property
    def archiver(self) -> Archiver:
        """What archives; a process that does nothing else starts and stops it by itself.

        Raises:
            ConfigurationError: The saver has no archive.
        """
        return self._require_archive()

    def setup(self) -> None:
        """Make the archive's tables, or bring them up to date.

        Harmless where that is done already, and safe when several processes do it at once.
        A saver without an archive, or with one that needs no tables, has nothing to do.

        Raises:
            ColdStoreError: PostgreSQL refused or failed.
            SchemaMismatch: The tables are of a later version of this package.
        """
        make = getattr(self._hook, "setup", None)
        if make is not None:
            make()

    async def asetup(self) -> None:
        """Async twin of `setup`."""
        await asyncio.to_thread(self.setup)

    def archive_thread(self, thread_id: str, *, recheck: bool = False) -> Outcome:
        """Archive a thread as it stands, now.

        What is archived already is not written again.

        Args:
            thread_id: The thread.
            recheck: Whether to ask the archive first what it has, instead of believing what
                Redis notes of that: after PostgreSQL was restored from a backup.

        Returns:
            `"archived"`, or `"absent"` if it is not in Redis, or `"changed"` if it was
            written to all the time: then what it was before is archived.

        Raises:
            ConfigurationError: The saver has no archive.
            ColdStoreError: The archive refused or failed.
            HotStoreError: Redis refused or failed.
            CorruptRecord: What is stored of the thread cannot be read.
            UnknownMessageType: A message is of no kind that a transcript knows.
        """
        self._require_archive()
        name = as_thread_id(thread_id)
        return self._run(operations.archive_now(self._context, name, recheck=recheck))

    async def aarchive_thread(self, thread_id: str, *, recheck: bool = False) -> Outcome:
        """Async twin of `archive_thread`."""
        self._require_archive()
        name = as_thread_id(thread_id)
        return await self._arun(operations.archive_now(self._context, name, recheck=recheck))

    def restore_thread(self, thread_id: str) -> bool:
        """Bring a thread back from the archive, if it is not in Redis.

        Reading a thread does so by itself, unless `restore=False`.

        Returns:
            Whether it is in Redis now.

        Raises:
            ConfigurationError: The saver has no archive.
            ColdStoreError: The archive refused or failed.
            HotStoreError: Redis refused or failed.
            CorruptRecord: What the archive has cannot be read.
        """
        self._require_archive()
        return self._run(operations.restore_now(self._context, as_thread_id(thread_id)))

    async def arestore_thread(self, thread_id: str) -> bool:
        """Async twin of `restore_thread`."""
        self._require_archive()
        return await self._arun(operations.restore_now(self._context, as_thread_id(thread_id)))

    def evict_thread(self, thread_id: str) -> bool:
        """Make room in Redis: remove a thread that is archived as it is, and not pinned.

        It is brought back when it is read or written to. A thread that changes meanwhile
        stays. What comes back is what the archive keeps, see `Settings.archive_history`.

        Returns:
            Whether it was removed; not if it is not there, or if `archive_thread` comes first.

        Raises:
            ConfigurationError: The saver has no archive.
            ColdStoreError: The archive refused or failed.
            HotStoreError: Redis refused or failed.
        """
        self._require_archive()
        return self._run(operations.evict_thread(self._context, as_thread_id(thread_id)))

    async def aevict_thread(self, thread_id: str) -> bool:
        """Async twin of `evict_thread`."""
        self._require_archive()
        return await self._arun(operations.evict_thread(self._context, as_thread_id(thread_id)))

    def flush(self, timeout: float = 30.0) -> bool:
        """Archive everything that is due or soon will be, and wait for other workers.

        Args:
            timeout: How many seconds that may take.

        Returns:
            Whether nothing is left.

        Raises:
            ConfigurationError: The saver has no archive.
            ColdStoreUnavailable: The archive cannot be asked; what is due stays queued.
            HotStoreError: Redis refused or failed.
        """
        return self._require_archive().drain(timeout).complete

    async def aflush(self, timeout: float = 30.0) -> bool:  # noqa: ASYNC109 - as `flush` has it
        """Async twin of `flush`."""
        return await asyncio.to_thread(self.flush, timeout)

    def revive(self, thread_id: str) -> bool:
        """Queue a thread that was set aside again, and unpin it.

        Returns:
            Whether it was set aside.

        Raises:
            HotStoreError: Redis refused or failed.
        """
        return self._run(operations.revive(self._context, as_thread_id(thread_id)))

    async def arevive(self, thread_id: str) -> bool:
        """Async twin of `revive`."""
        return await self._arun(operations.revive(self._context, as_thread_id(thread_id)))

    def _require_archive(self) -> Archiver:
        if self._archiver is None:
            raise ConfigurationError(
                "this saver has no archive; pass postgres_dsn= to from_conn_string, or archive="
            )
        return self._archiver

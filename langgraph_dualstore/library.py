"""Finding, showing, exporting and erasing threads: a saver's methods for people."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from langgraph_dualstore import operations
from langgraph_dualstore.archive import Status
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.hot.keys import as_thread_id
from langgraph_dualstore.infos import PurgeReport, Receipt, ThreadDetails, ThreadPage
from langgraph_dualstore.operations import Filters
from langgraph_dualstore.threads import Threads


class Library(Threads):
    """The methods of a saver that look at threads in both tiers, or remove them for good.

    Each has an async twin. Looking at a thread neither refreshes its TTL nor brings it back.
    """

    @property
    def searchable(self) -> bool:
        """Whether the archive can be searched: is a `SearchableArchive`."""
        return self._context.archiving is not None and self._context.archiving.searchable

    # --- finding and showing ---

    def list_threads(
        self,
        *,
        user_id: str | None = None,
        status: Status | None = None,
        since: datetime | timedelta | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> ThreadPage:
        """Return a page of the threads of both tiers.

        First come those in Redis, in no order, then those that are only archived, the one
        that was active last first. Redis is never blocked: a page looks at a bounded number
        of keys, so it may hold few threads, or none, though others follow; only `next` says.
        A thread is on one page. One that is restored, or expires, while the pages are
        turned may be on none or two, and so may others if Redis shrinks its table then.

        With an archive that is no `SearchableArchive` only the threads in Redis are listed.

        Args:
            user_id: Only those of this user.
            status: Only those that stand so.
            since: Only those that were active then or later; a `timedelta` for so long ago.
            limit: How many at most.
            after: The `next` of the page before.

        Raises:
            ConfigurationError: An argument is not valid.
            ColdStoreError: The archive refused or failed.
            HotStoreError: Redis refused or failed.
            CorruptRecord: What is stored of a thread cannot be read.
        """
        filters = _filters(user_id, status, since)
        _require_count("limit", limit)
        return self._run(operations.list_threads(self._context, filters, limit, after))

    async def alist_threads(
        self,
        *,
        user_id: str | None = None,
        status: Status | None = None,
        since: datetime | timedelta | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> ThreadPage:
        """Async twin of `list_threads`."""
        filters = _filters(user_id, status, since)
        _require_count("limit", limit)
        return await self._arun(operations.list_threads(self._context, filters, limit, after))

    def thread(self, thread_id: str) -> ThreadDetails | None:
        """Tell of a thread: where it is, how it stands, how far it is archived.

        Returns:
            `None` if neither tier has it.

        Raises:
            ColdStoreError: The archive refused or failed.
            HotStoreError: Redis refused or failed.
            CorruptRecord: What is stored of the thread cannot be read.
        """
        return self._run(operations.thread(self._context, as_thread_id(thread_id)))

    async def athread(self, thread_id: str) -> ThreadDetails | None:
        """Async twin of `thread`."""
        return await self._arun(operations.thread(self._context, as_thread_id(thread_id)))

    def state_document(self, thread_id: str) -> dict[str, Any] | None:
        """Return a thread's newest state as one document that JSON can carry.

        The state's fields are at its top, and besides: `messages`, each with `type`,
        `content`, `turn`, `timestamp` (`None` if it has none) and whatever else is set;
        `session_id`, which is the thread's id; `current_turn`; `created_at`; `updated_at`;
        `_meta`. A field of the state that is called like one of these, `messages` that are
        none included, is in `_meta.state` instead. Delta channels are there if they hold
        messages. Values that JSON cannot carry are in their nearest form.

        Returns:
            `None` if neither tier has a checkpoint of the thread.

        Raises:
            ColdStoreError: The archive refused or failed.
            HotStoreError: Redis refused or failed.
            CorruptRecord: What is stored of the thread cannot be read.
        """
        return self._run(operations.state_document(self._context, as_thread_id(thread_id)))

    async def astate_document(self, thread_id: str) -> dict[str, Any] | None:
        """Async twin of `state_document`."""
        return await self._arun(operations.state_document(self._context, as_thread_id(thread_id)))

    def turn_ranges(self, thread_id: str) -> dict[str, dict[str, int]]:
        """Return where each turn is in the state document's `messages`.

        Like `{"1": {"start_msg_idx": 0, "end_msg_idx": 1}}`. A turn begins with a user's
        message, unless messages name theirs; what comes before is turn 0.

        Returns:
            Nothing if there are no messages, or no thread.

        Raises:
            ColdStoreError: The archive refused or failed.
            HotStoreError: Redis refused or failed.
            CorruptRecord: What is stored of the thread cannot be read.
        """
        return self._run(operations.turn_ranges(self._context, as_thread_id(thread_id)))

    async def aturn_ranges(self, thread_id: str) -> dict[str, dict[str, int]]:
        """Async twin of `turn_ranges`."""
        return await self._arun(operations.turn_ranges(self._context, as_thread_id(thread_id)))

    # --- turn logs ---

    def log_turn(self, thread_id: str, turn: int, document: Any) -> bool:
        """Store the log of a turn, an evaluation for instance, in place of an earlier one.

        It lives as long as the thread, and is archived with it, to `prompt_turns.log`.
        Tuples in it become arrays and times ISO texts.

        Args:
            thread_id: The thread; it is brought back if only the archive has it.
            turn: The turn, from 0. There need not be messages of it.
            document: Anything that JSON can carry.

        Returns:
            Whether the thread is there; if it is not, nothing is stored.

        Raises:
            ConfigurationError: The turn is no whole number from 0.
            UnserializableState: JSON cannot carry the document; the message says where.
            HotStoreError: Redis refused or failed.
            ColdStoreError: The thread is not in Redis, and the archive refused or failed.
        """
        return self._run(
            operations.log_turn(self._context, as_thread_id(thread_id), turn, document)
        )

    async def alog_turn(self, thread_id: str, turn: int, document: Any) -> bool:
        """Async twin of `log_turn`."""
        return await self._arun(
            operations.log_turn(self._context, as_thread_id(thread_id), turn, document)
        )

    def turn_logs(self, thread_id: str) -> dict[int, Any]:
        """Return the logs of a thread's turns, by turn, in order, from both tiers.

        A custom archive has to be a `SearchableArchive`, or a thread that was restored from
        it has no logs from before.

        Raises:
            ColdStoreError: The archive refused or failed.
            HotStoreError: Redis refused or failed.
            CorruptRecord: A log cannot be read.
        """
        return self._run(operations.turn_logs(self._context, as_thread_id(thread_id)))

    async def aturn_logs(self, thread_id: str) -> dict[int, Any]:
        """Async twin of `turn_logs`."""
        return await self._arun(operations.turn_logs(self._context, as_thread_id(thread_id)))

    def turn_log(self, thread_id: str, turn: int) -> Any:
        """Return the log of a turn, `None` if it has none; raises as `turn_logs` does."""
        return self.turn_logs(thread_id).get(turn)

    async def aturn_log(self, thread_id: str, turn: int) -> Any:
        """Async twin of `turn_log`."""
        return (await self.aturn_logs(thread_id)).get(turn)

    # --- taking away ---

    def export_thread(self, thread_id: str) -> Iterator[str]:
        """Yield a thread as lines of JSON, each an object with its `kind`.

        First the `session`, then each `message` of the transcript, those that the graph has
        removed too, each `turn_log`, and the `state` document at last. Messages are as the
        archive has them, and as they are in Redis if that is newer. A thread that is
        nowhere has no lines.

        Raises:
            ColdStoreError: The archive refused or failed.
            HotStoreError: Redis refused or failed.
            CorruptRecord: What is stored of the thread cannot be read.
            UnknownMessageType: A message is of no kind that a transcript knows.
        """
        lines = self._run(operations.export_thread(self._context, as_thread_id(thread_id)))
        yield from map(_line, lines)

    async def aexport_thread(self, thread_id: str) -> AsyncIterator[str]:
        """Async twin of `export_thread`."""
        lines = await self._arun(operations.export_thread(self._context, as_thread_id(thread_id)))
        for line in lines:
            yield _line(line)

    # --- removing for good ---

    def erase_thread(self, thread_id: str) -> Receipt:
        """Remove everything of a thread from both tiers, whatever `delete_scope` says.

        Its id goes too. What is left in the archive is a digest of it, with a mark that
        keeps an archive which is under way from bringing the thread back; `purge` removes
        that in time. A graph that is still running would begin the thread anew.

        Returns:
            What was removed where.

        Raises:
            ColdStoreError: The archive refused or failed; call again.
            HotStoreError: Redis refused or failed; call again.
        """
        return self._run(operations.erase_thread(self._context, as_thread_id(thread_id)))

    async def aerase_thread(self, thread_id: str) -> Receipt:
        """Async twin of `erase_thread`."""
        return await self._arun(operations.erase_thread(self._context, as_thread_id(thread_id)))

    def erase_user(self, user_id: str) -> Receipt:
        """Erase all threads of a user in both tiers.

        A thread is a user's if `user_id` is in its config, or was so when it was archived.
        Looks at every thread in Redis: maintenance, not for a request. What was deleted
        with `delete_scope="hot"`, so that its transcript is left, is erased as well.

        Returns:
            What was removed where.

        Raises:
            ConfigurationError: The user id is no name.
            ColdStoreError: The archive refused or failed; call again.
            HotStoreError: Redis refused or failed; call again.
            CorruptRecord: What is stored of some thread cannot be read.
        """
        return self._run(operations.erase_user(self._context, _user(user_id)))

    async def aerase_user(self, user_id: str) -> Receipt:
        """Async twin of `erase_user`."""
        return await self._arun(operations.erase_user(self._context, _user(user_id)))

    def purge(
        self,
        older_than: timedelta | datetime,
        *,
        dry_run: bool = False,
        batch: int = 500,
    ) -> PurgeReport:
        """Remove threads from the archive that were active last before some time.

        Their messages, turns and entries go with them, and so do the marks of threads that
        were deleted before that time. Redis is left alone: a thread there lives by its TTL,
        and is archived anew if it is written to.

        Args:
            older_than: The time, or how long ago that is.
            dry_run: Only count.
            batch: How many threads are removed in one transaction.

        Raises:
            ConfigurationError: An argument is not valid, or there is no archive that can
                do this.
            ColdStoreError: The archive refused or failed; what was removed is removed.
        """
        return self._run(self._purge(older_than, dry_run, batch))

    async def apurge(
        self,
        older_than: timedelta | datetime,
        *,
        dry_run: bool = False,
        batch: int = 500,
    ) -> PurgeReport:
        """Async twin of `purge`."""
        return await self._arun(self._purge(older_than, dry_run, batch))

    def _purge(
        self, older_than: timedelta | datetime, dry_run: bool, batch: int
    ) -> operations.PurgeOperation:
        self._require_archive()
        if not self.searchable:
            raise ConfigurationError("this archive cannot purge: it is no SearchableArchive")
        _require_count("batch", batch)
        if not isinstance(dry_run, bool):
            raise ConfigurationError("dry_run must be True or False")
        before = _time("older_than", older_than)
        if before >= datetime.now(UTC):
            raise ConfigurationError("older_than must be in the past")
        return operations.purge(before, batch, dry_run=dry_run)


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document)


def _filters(
    user_id: str | None, status: Status | None, since: datetime | timedelta | None
) -> Filters:
    if status is not None and status not in get_args(Status):
        raise ConfigurationError(f"status must be one of {', '.join(get_args(Status))}, or None")
    return Filters(
        None if user_id is None else _user(user_id),
        status,
        None if since is None else _time("since", since),
    )


def _user(user_id: object) -> str:
    if isinstance(user_id, bool) or not isinstance(user_id, str | int):
        raise ConfigurationError(f"user_id must be a string, not {type(user_id).__name__}")
    return str(user_id)


def _time(name: str, value: object) -> datetime:
    """Return a time, which may have been given as how long ago it is."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if not isinstance(value, timedelta):
        raise ConfigurationError(f"{name} must be a datetime or a timedelta")
    try:
        return datetime.now(UTC) - value
    except OverflowError as error:
        raise ConfigurationError(f"{name} is longer ago than there are dates") from error


def _require_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number of at least 1")

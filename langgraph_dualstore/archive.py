"""What the archiver hands to a store, and what a store must be able to do: `ArchiveHook`.

`langgraph_dualstore.cold.PostgresArchive` is the hook that comes with the package.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

Status = Literal["finished", "interrupted", "error", "idle"]
"""How a thread stood when it was archived.

`finished`: nothing was left to run. `interrupted`: an interrupt awaited its answer.
`error`: a task had failed. `idle`: something was left to run, and nobody ran it.
"""

Role = Literal["user", "assistant", "system", "tool"]
"""Who speaks in a message."""


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    """A message of the transcript; `langgraph_dualstore.cold.messages` converts it.

    Attributes:
        key: Names the message within its session: its id, or a stable stand-in.
        channel: The state channel that holds it.
        role: Who speaks.
        content: Its text; what else its content holds is in `meta`.
        turn: The turn it says it belongs to, `None` if it does not say.
        token_count: Its tokens, `None` if nobody has counted them.
        created_at: Its own timestamp, else that of the first checkpoint that holds it.
        meta: Everything else, as JSON; a message equal to the original can be made of it. Not
            to be changed; `dict(row.meta)` is what `json.dumps` takes.
    """

    key: str
    channel: str
    role: Role
    content: str
    turn: int | None = None
    token_count: int | None = None
    created_at: datetime
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Session:
    """What is known of a thread as a whole.

    Attributes:
        status: How it stands.
        user_id: Whose it is, `None` if its config does not say.
        started_at: When the first checkpoint at hand was made.
        last_activity_at: When the newest checkpoint was made.
        attributes: Metadata, `configurable` and the chosen state channels, as JSON.
    """

    status: Status
    user_id: str | None
    started_at: datetime
    last_activity_at: datetime
    attributes: Mapping[str, Any]


class Entries(NamedTuple):
    """What an exact restore needs, in the form of the hot tier. A hook only keeps it.

    Attributes:
        generation: Names the log that `log` is a part of.
        delta: Whether there are channels that are rebuilt from ancestors.
        members: The checkpoints.
        writes: Their pending writes.
        log: Pieces of the log, each with its position. They never overlap.
    """

    generation: str
    delta: bool
    members: Sequence[bytes]
    writes: Sequence[bytes]
    log: Sequence[tuple[int, bytes]]


@dataclass(frozen=True, kw_only=True)
class ThreadArchive:
    """A thread as it is to be archived: what is new since it was archived last.

    Attributes:
        thread_id: The thread. Any characters, of any length.
        checkpoint_id: The newest checkpoint of the root graph, `""` if there is none.
        base: The mark that the store must have for this thread, or this is refused;
            `None` if it must not know the thread.
        mark: The mark that the store has for it afterwards.
        session: What is known of the thread as a whole.
        messages: The messages that were written or edited, in the order in which they
            were written. One that the store has already is replaced, but keeps its
            position and turn.
        present: For each channel in which more happened than that messages were added:
            the keys of all the messages that the state holds. All others are removed
            ones. A channel that is not named here only grew.
        entries: What a restore needs. Members and writes replace those of before. `None` if
            the archive has a newer state than Redis, which lost the newest: then only the
            messages are new, and everything else stays as it is.
        whole_log: Whether `entries.log` replaces the pieces of before, too; else it adds
            to them.
        turn_logs: The logs of turns that are new or others now, as JSON has them.
    """

    thread_id: str
    checkpoint_id: str
    base: str | None
    mark: str
    session: Session
    messages: Sequence[MessageRow]
    present: Mapping[str, Collection[str]]
    entries: Entries | None
    whole_log: bool
    turn_logs: Mapping[int, Any] = field(default_factory=dict)


class Mark(NamedTuple):
    """What a store has for a thread.

    Attributes:
        value: Changes whenever what the store has does; never used twice.
        deleted: Whether the thread was deleted, and what is left is that mark.
        checkpoint_id: The newest checkpoint of the root graph, `""` if there is none.
    """

    value: str
    deleted: bool
    checkpoint_id: str = ""


class Archived(NamedTuple):
    """An archived thread, as far as a restore needs it."""

    mark: str
    entries: Entries


@runtime_checkable
class ArchiveHook(Protocol):
    """Where finished threads go.

    Methods block, and may be called from several threads at once. A fault that passes is
    raised as `ColdStoreUnavailable`, or another `ColdStoreError` if a person has to mend it:
    the archiver then tries again for as long as it lasts. `ArchiveRejected`, and anything
    that is no `ColdStoreError`, is taken to be the thread's own fault; after a few tries it
    is set aside with its error, for a person to decide.
    """

    def marks(self, thread_ids: Sequence[str]) -> Mapping[str, Mark]:
        """Return the marks of those of some threads that the store knows."""
        ...

    def archive(self, threads: Sequence[ThreadArchive]) -> Collection[str]:
        """Store some threads, each of them whole or not at all.

        If any cannot be stored none need be: the archiver then hands them in one by one.

        Returns:
            The ids of those that were refused because the store's mark is not their base.
        """
        ...

    def restore(self, thread_id: str) -> Archived | None:
        """Return what a thread is restored from, `None` if there is nothing."""
        ...

    def delete(self, thread_id: str, *, keep_transcript: bool) -> bool:
        """Remove a thread, for good: only a mark is left, so that no archive brings it back.

        Args:
            thread_id: The thread.
            keep_transcript: Leave session, messages and turns, and remove what a restore
                needs.

        Returns:
            Whether there was anything.
        """
        ...

    def close(self) -> None:
        """Let go of connections. A hook that is used again opens new ones."""
        ...


class StoredMessage(NamedTuple):
    """A message of the transcript.

    Attributes:
        position: Its place among the session's messages, from 0.
        turn: The turn it belongs to.
        removed_at: When the graph removed it, if it did.
        row: The message.
    """

    position: int
    turn: int
    removed_at: datetime | None
    row: MessageRow


@dataclass(frozen=True, kw_only=True)
class StoredSession:
    """A thread as a whole. Of one that was deleted little else than that is known.

    Attributes:
        thread_id: The thread.
        user_id: Whose it is, if that is known.
        status: How it stood when it was archived last.
        started_at: When its first checkpoint was made.
        ended_at: When it finished, `None` if it has not.
        last_activity_at: When its newest checkpoint was made.
        archived_at: When it was archived last.
        turn_count: Its greatest turn.
        message_count: How many messages there are, removed ones included.
        token_count: The sum of the messages' tokens that are known, `None` if none are.
        attributes: Metadata, `configurable` and the chosen state channels.
        deleted_at: When it was deleted, `None` if it was not.
        checkpoint_id: The newest checkpoint of the root graph, `""` if there is none.
    """

    thread_id: str
    user_id: str | None
    status: Status | None
    started_at: datetime | None
    ended_at: datetime | None
    last_activity_at: datetime | None
    archived_at: datetime | None
    turn_count: int
    message_count: int
    token_count: int | None
    attributes: Mapping[str, Any]
    deleted_at: datetime | None
    checkpoint_id: str


class Counted(NamedTuple):
    """How many rows of an archive were removed, or would be.

    Attributes:
        sessions: Threads, tombstones left out.
        messages: Their messages.
        turns: Their turns.
        entries: What they could be restored from.
        tombstones: Marks of threads that had been deleted before.
    """

    sessions: int = 0
    messages: int = 0
    turns: int = 0
    entries: int = 0
    tombstones: int = 0


@runtime_checkable
class SearchableArchive(Protocol):
    """What an `ArchiveHook` may offer besides, for people to find and remove threads.

    With a hook that does not, `list_threads` and `erase_user` know the hot tier only, an
    export has what the state holds only, and there is no `purge`.
    """

    def sessions(
        self, thread_ids: Sequence[str], *, deleted: bool = False
    ) -> Mapping[str, StoredSession]:
        """Return what is known of some threads, `deleted` ones only if asked for."""
        ...

    def find_sessions(
        self,
        *,
        user_id: str | None,
        status: Status | None,
        since: datetime | None,
        limit: int,
        after: str | None,
        deleted: bool = False,
    ) -> Sequence[tuple[str, StoredSession]]:
        """Return threads, the one that was active last first.

        Args:
            user_id: Only this user's.
            status: Only those that stand so.
            since: Only those that were active then or later.
            limit: How many at most. Fewer are returned only if there are no more.
            after: Only those that come after this one, as it was returned.
            deleted: Whether those are among them that were deleted but for their transcript.

        Returns:
            Each with what to pass as `after` for those that come after it.
        """
        ...

    def messages(self, thread_id: str) -> Sequence[StoredMessage]:
        """Return a thread's messages in order, those that the graph has removed too."""
        ...

    def turns(self, thread_id: str) -> Mapping[int, Any]:
        """Return the logs of a thread's turns, as `ThreadArchive.turn_logs` had them."""
        ...

    def erase(self, thread_id: str) -> Counted:
        """Remove a thread as `delete` does, and its id as well where that can be read."""
        ...

    def purge(self, before: datetime, *, limit: int, dry_run: bool) -> Counted:
        """Remove threads that were active or deleted last before some time, marks included.

        Args:
            before: The time.
            limit: How many at most, in one transaction.
            dry_run: Count all of them instead.
        """
        ...

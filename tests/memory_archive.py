"""An archive in memory, for tests of what comes before and after an archive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from langgraph_dualstore.archive import Archived, Entries, Mark, MessageRow, Session, ThreadArchive


@dataclass
class Kept:
    """What is kept of a thread."""

    mark: str
    deleted: bool = False
    checkpoint_id: str = ""
    session: Session | None = None
    messages: dict[tuple[str, str], MessageRow] = field(default_factory=dict)
    removed: set[tuple[str, str]] = field(default_factory=set)
    entries: Entries | None = None
    pieces: dict[int, bytes] = field(default_factory=dict)


class MemoryArchive:
    """Keeps threads in a dict, and what was asked of it in a list.

    `fault`, called with the name of each method first, may raise or wait.
    """

    def __init__(self, fault: Callable[[str], None] = lambda _: None) -> None:
        self.fault = fault
        self.threads: dict[str, Kept] = {}
        self.calls: list[str] = []
        self.archives: list[ThreadArchive] = []
        self._lock = threading.Lock()

    def contents(self, thread_id: str = "1") -> list[str]:
        return [row.content for row in self.threads[thread_id].messages.values()]

    def present(self, thread_id: str = "1") -> list[str]:
        kept = self.threads[thread_id]
        return [row.content for key, row in kept.messages.items() if key not in kept.removed]

    def status(self, thread_id: str = "1") -> str:
        session = self.threads[thread_id].session
        assert session
        return session.status

    def marks(self, thread_ids: Sequence[str]) -> Mapping[str, Mark]:
        self._called("marks")
        with self._lock:
            return {
                thread_id: Mark(kept.mark, kept.deleted, kept.checkpoint_id)
                for thread_id in thread_ids
                if (kept := self.threads.get(thread_id))
            }

    def archive(self, threads: Sequence[ThreadArchive]) -> set[str]:
        self._called("archive")
        refused = set()
        with self._lock:
            for thread in threads:
                kept = self.threads.get(thread.thread_id)
                if (kept.mark if kept else None) != thread.base:
                    refused.add(thread.thread_id)
                    continue
                self.archives.append(thread)
                self._keep(thread, kept or Kept(thread.mark))
        return refused

    def _keep(self, thread: ThreadArchive, kept: Kept) -> None:
        self.threads[thread.thread_id] = kept
        kept.mark, kept.deleted = thread.mark, False
        if thread.entries is not None:
            kept.session, kept.entries = thread.session, thread.entries
            kept.checkpoint_id = thread.checkpoint_id
            if thread.whole_log:
                kept.pieces = {}
            kept.pieces |= dict(thread.entries.log)
        for row in thread.messages:
            kept.messages[row.channel, row.key] = row
            kept.removed.discard((row.channel, row.key))
        for place in kept.messages:
            if place[0] in thread.present:
                gone = place[1] not in thread.present[place[0]]
                (kept.removed.add if gone else kept.removed.discard)(place)

    def restore(self, thread_id: str) -> Archived | None:
        self._called("restore")
        with self._lock:
            kept = self.threads.get(thread_id)
            if kept is None or kept.entries is None:
                return None
            return Archived(kept.mark, kept.entries._replace(log=sorted(kept.pieces.items())))

    def delete(self, thread_id: str, *, keep_transcript: bool) -> bool:
        self._called("delete")
        with self._lock:
            kept = self.threads.get(thread_id)
            left = Kept(uuid4().hex, deleted=True)
            if kept and keep_transcript:
                left.session, left.messages, left.removed = (
                    kept.session,
                    kept.messages,
                    kept.removed,
                )
            self.threads[thread_id] = left
            return kept is not None and not kept.deleted

    def close(self) -> None:
        self._called("close")

    def _called(self, name: str) -> None:
        self.calls.append(name)
        self.fault(name)

"""Writing rows of the transcript from what lies in a thread's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from langgraph.checkpoint.serde.types import _DeltaSnapshot

from langgraph_dualstore.archive import MessageRow
from langgraph_dualstore.cold.messages import CONTENT_IN_META, content_key, key_of, to_row
from langgraph_dualstore.errors import CorruptRecord
from langgraph_dualstore.hot.journal import Entry
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Record, Stored
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.reader import load_checkpoint


class NeedsWhole(Exception):
    """A list's messages have no ids, so all of it must be at hand to name them."""


class Scribe:
    """Turns a thread's lists of messages into rows.

    Args:
        context: The operation's.
        thread_id: The thread.
        log: Holds the lists.
    """

    def __init__(self, context: Context, thread_id: str, log: LogCopy) -> None:
        self._context = context
        self._codec = context.codecs.of(thread_id)
        self._thread_id = thread_id
        self._log = log
        self._first: dict[tuple[str, str], datetime] = {}
        self._decoded: tuple[Stored, list[Any]] | None = None

    def rows(self, entry: Entry) -> Iterator[MessageRow]:
        """Yield the rows of an entry's new messages."""
        stored = entry.stored
        if stored.items is not None and entry.old_items:
            stored = stored._replace(items=stored.items - entry.old_items, runs=entry.new_runs)
        messages = self.messages(stored)
        known = 0
        if entry.old_items and any(key_of(message) is None for message in messages):
            messages, known = self.messages(entry.stored), entry.old_items
        yield from self.rows_of(entry.channel, messages, time_of(entry.time), known)

    def rows_of(
        self, channel: str, messages: Sequence[Any], at: datetime, known: int = 0
    ) -> Iterator[MessageRow]:
        """Yield the rows of messages, as they are to be written.

        Args:
            channel: The channel.
            messages: Some that follow each other in a list.
            at: The time of the checkpoint that holds them.
            known: How many of them need no row.
        """
        settings = self._context.settings
        keys = self.keys(messages)
        for message, key in zip(messages[known:], keys[known:], strict=True):
            created_at = self._first.setdefault((channel, key), at)
            row: MessageRow | None = to_row(
                message,
                channel=channel,
                key=key,
                created_at=created_at,
                count_tokens=settings.count_tokens,
                serde=self._codec.serde,
            )
            if row is not None and settings.redact is not None:
                row = _redacted(row, settings.redact)
            if row is not None:
                yield row

    def messages(self, stored: Stored) -> list[Any]:
        """Return the messages of a list.

        Raises:
            NeedsWhole: The log at hand lacks some of it.
        """
        if self._decoded is None or self._decoded[0] != stored:
            self._decoded = stored, self._decode(stored)
        return self._decoded[1]

    def _decode(self, stored: Stored) -> list[Any]:
        if stored.items == 0:
            return []
        if stored.inline is not None:
            data: bytes | None = stored.inline
        else:
            data = self._log.read(stored.runs)
        if data is None:
            raise NeedsWhole
        try:
            if stored.items is not None:
                value: Any = self._codec.loads_list(data, stored.items)[0]
            else:
                value = self._codec.loads((stored.type, data))
        except Exception as error:
            raise CorruptRecord(
                f"a message of thread {self._thread_id!r} cannot be decoded: {error}",
                thread_id=self._thread_id,
            ) from error
        if isinstance(value, _DeltaSnapshot):
            value = value.value
        return value if isinstance(value, list) else []

    def time(self, record: Record) -> str:
        """Return when a checkpoint was made, as it says."""
        checkpoint: dict[str, Any] = load_checkpoint(self._context, self._thread_id, record)
        time: str = checkpoint["ts"]
        return time

    def keys(self, messages: Iterable[Any]) -> list[str]:
        """Return the messages' keys; those without an id are told apart by their content."""
        keys: list[str] = []
        seen: Counter[bytes] = Counter()
        for message in messages:
            key = key_of(message)
            if key is None:
                encoded = self._codec.plain(message)
                key = content_key(encoded, seen[encoded])
                seen[encoded] += 1
            keys.append(key)
        return keys


def _redacted(
    row: MessageRow, redact: Callable[[MessageRow], MessageRow | None]
) -> MessageRow | None:
    """Return what is to be written instead of a row."""
    row = replace(row, meta=dict(row.meta))  # which may be changed
    redacted = redact(row)
    if redacted is None or redacted.content == row.content:
        return redacted
    # The text that was taken out is not to be found beside it.
    meta = {
        name: value
        for name, value in redacted.meta.items()
        if name not in CONTENT_IN_META or value != row.meta.get(name)
    }
    return replace(redacted, meta=meta)


def time_of(text: str) -> datetime:
    """Return the time that a checkpoint's `ts` is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)

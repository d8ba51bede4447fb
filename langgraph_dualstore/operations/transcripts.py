"""Which messages of a thread its transcript lacks, as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from langgraph.checkpoint.serde.types import _DeltaSnapshot

from langgraph_dualstore.archive import MessageRow
from langgraph_dualstore.cold.messages import (
    CONTENT_IN_META,
    content_key,
    is_message,
    key_of,
    to_row,
)
from langgraph_dualstore.errors import CorruptRecord
from langgraph_dualstore.hot.journal import Entry, entry_of, grew
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Record, Run, Stored
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.delta_transcripts import DeltaTranscripts

_PREVIOUS = "__previous__"
"""The channel of what a functional entrypoint has saved. Its other channels repeat it."""


def is_transcript(name: str, value: object) -> bool:
    """Tell whether a channel's value is a list of messages that belongs to the transcript."""
    if isinstance(value, _DeltaSnapshot):
        value = value.value
    return (
        type(value) is list
        and bool(value)
        and (name == _PREVIOUS or not name.startswith("__"))
        and is_message(value[0])
    )


class Transcript(NamedTuple):
    """What is to be written to a transcript.

    Attributes:
        rows: The messages that are new or edited, in the order in which they were written.
        present: For channels that did not only grow: the keys of what they hold now.
        since: When the first of the messages was written, `None` if there are none.
    """

    rows: list[MessageRow]
    present: dict[str, list[str]]
    since: datetime | None


class Changes:
    """What happened to a thread's lists of messages since it was archived last.

    Args:
        entries: What was journaled, oldest first.
        before: The lists as they were archived last.
        now: The lists in the newest root checkpoint, empty ones too.
        unsure: Whether the archive may hold more than `before` tells of.
        known: Channels that are transcripts, though none of their messages may be left.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        before: Mapping[str, Stored],
        now: Mapping[str, Stored],
        *,
        unsure: bool = False,
        known: Iterable[str] = (),
    ) -> None:
        self.entries = list(_in_succession(entries, before))
        self._before = before
        names = {entry.channel for entry in entries} | before.keys() | set(known)
        self.lists = {name: now[name] for name in names if name in now}
        self._changed = {
            name for name in names if unsure or not self._only_grew(name, before.get(name))
        }

    def _only_grew(self, name: str, last: Stored | None) -> bool:
        for entry in self.entries:
            if entry.channel == name:
                if last is not None and not grew(last, entry.stored):
                    return False
                last = entry.stored
        return last == self.lists.get(name)

    @property
    def complete(self) -> bool:
        """Whether every message that the state holds is archived or among the entries.

        It is not if another process wrote to the thread without a journal, or the server
        evicted that.
        """
        found = {name: [stored] for name, stored in self._before.items()}
        for entry in self.entries:
            lists = found.setdefault(entry.channel, [])
            # Usually the last one; another one if the thread was forked.
            if entry.old_items and not any(map(entry.goes_on_from, reversed(lists))):
                return False
            lists.append(entry.stored)
        return all(stored in reversed(found.get(name, ())) for name, stored in self.lists.items())

    def runs(self) -> Iterator[Run]:
        """Yield the stretches of the log that are needed to write the transcript."""
        for entry in self.entries:
            yield from entry.new_runs
        for name in self._changed:
            if name in self.lists:
                yield from self.lists[name].runs

    def transcript(
        self,
        context: Context,
        thread_id: str,
        log: LogCopy,
        deltas: DeltaTranscripts | None = None,
    ) -> Transcript:
        """Return what is to be written.

        Args:
            context: The operation's.
            thread_id: The thread.
            log: Holds `runs`.
            deltas: The messages of delta channels, if there are such channels.

        Raises:
            CorruptRecord: A message is not in the log.
            UnknownMessageType: A message is of no kind that a transcript knows.
        """
        scribe = _Scribe(context, thread_id, log)
        timed = [(time_of(entry.time), list(scribe.rows(entry))) for entry in self.entries]
        present = {
            name: scribe.keys(scribe.messages(self.lists[name])) if name in self.lists else []
            for name in self._changed
        }
        if deltas is not None:
            for name, time, messages in deltas.written():
                at = time_of(time)
                timed.append((at, list(scribe.rows_of(name, messages, at))))
            timed.sort(key=itemgetter(0))
            for name in deltas.channels:
                present[name] = scribe.keys(deltas.present(name))
        rows = [row for _, written in timed for row in written]
        return Transcript(rows, present, min((at for at, _ in timed), default=None))


def _in_succession(entries: Iterable[Entry], before: Mapping[str, Stored]) -> Iterator[Entry]:
    """Yield entries, whole where a list does not go on from the one before it in time.

    In a fork a message may be again what it was before it was edited.
    """
    last = dict(before)
    for entry in entries:
        earlier = last.get(entry.channel)
        last[entry.channel] = entry.stored
        if earlier is not None and not grew(earlier, entry.stored):
            yield entry._replace(old_items=0, old_bytes=0)
        else:
            yield entry


class NeedsWhole(Exception):
    """A list's messages have no ids, so all of it must be at hand to name them."""


class _Scribe:
    """Turns entries into rows."""

    def __init__(self, context: Context, thread_id: str, log: LogCopy) -> None:
        self._context = context
        self._thread_id = thread_id
        self._log = log
        self._first: dict[tuple[str, str], datetime] = {}

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
                serde=self._context.codec.serde,
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
        codec = self._context.codec
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
                value: Any = codec.loads_list(data, stored.items)[0]
            else:
                value = codec.loads((stored.type, data))
        except Exception as error:
            raise CorruptRecord(
                f"a message of thread {self._thread_id!r} cannot be decoded: {error}",
                thread_id=self._thread_id,
            ) from error
        if isinstance(value, _DeltaSnapshot):
            value = value.value
        return value if isinstance(value, list) else []

    def keys(self, messages: Iterable[Any]) -> list[str]:
        """Return the messages' keys; those without an id are told apart by their content."""
        keys: list[str] = []
        seen: Counter[bytes] = Counter()
        for message in messages:
            key = key_of(message)
            if key is None:
                encoded = self._context.codec.dumps(message)[1]
                key = content_key(encoded, seen[encoded])
                seen[encoded] += 1
            keys.append(key)
        return keys


def _redacted(
    row: MessageRow, redact: Callable[[MessageRow], MessageRow | None]
) -> MessageRow | None:
    """Return what is to be written instead of a row."""
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


def entries_of(
    context: Context, thread_id: str, records: Sequence[Record], log: LogCopy
) -> list[Entry]:
    """Return the entries that a thread's root checkpoints come to, oldest first."""
    scribe = _Scribe(context, thread_id, log)
    entries: list[Entry] = []
    before: dict[str, Stored] = {}
    verdicts: dict[str, bool] = {}
    for record in records:
        time: str | None = None
        for name, stored in record.channels.items():
            if stored == before.get(name) or (name.startswith("__") and name != _PREVIOUS):
                continue
            if name not in verdicts:
                value = scribe.messages(stored)
                if not value and stored.items is None and stored.inline is not None:
                    continue  # an empty list, which may be one of messages
                verdicts[name] = is_transcript(name, value)
            if verdicts[name]:
                if time is None:
                    time = context.codec.loads(record.checkpoint)["ts"]
                entry = entry_of(name, time or "", stored, before.get(name))
                before[name] = stored
                if entry is not None:
                    entries.append(entry)
    return entries


def time_of(text: str) -> datetime:
    """Return the time that a checkpoint's `ts` is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)

"""Which messages of a thread its transcript lacks, as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from langgraph.checkpoint.serde.types import _DeltaSnapshot

from langgraph_dualstore.archive import MessageRow
from langgraph_dualstore.cold.messages import (
    is_message,
)
from langgraph_dualstore.hot.journal import Entry, entry_of, grew
from langgraph_dualstore.hot.records import Record, Run, Stored
from langgraph_dualstore.operations.delta_transcripts import DeltaTranscripts
from langgraph_dualstore.operations.scribe import Scribe, time_of

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

    def transcript(self, scribe: Scribe, deltas: DeltaTranscripts | None = None) -> Transcript:
        """Return what is to be written.

        Args:
            scribe: Of a log that holds `runs`.
            deltas: The messages of delta channels, if there are such channels.

        Raises:
            CorruptRecord: A message is not in the log.
            UnknownMessageType: A message is of no kind that a transcript knows.
        """
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


def entries_of(scribe: Scribe, records: Sequence[Record]) -> list[Entry]:
    """Return the entries that a thread's root checkpoints come to, oldest first."""
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
                    time = scribe.time(record)
                entry = entry_of(name, time or "", stored, before.get(name))
                before[name] = stored
                if entry is not None:
                    entries.append(entry)
    return entries

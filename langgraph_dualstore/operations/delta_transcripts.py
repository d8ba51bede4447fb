"""Transcripts of delta channels, whose values are not stored but rebuilt from writes.

The graph's reducer is not known here. Messages are taken to be added, replaced by their
id, and removed by `RemoveMessage`, which is what LangGraph's own reducers do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from langgraph_dualstore.cold.messages import is_message
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Record, StoredWrite
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.prune import Content, delta_channels
from langgraph_dualstore.operations.reader import Reader

_REMOVE_ALL = "__remove_all__"
"""The id that removes all messages. Source: `langgraph.graph.message`."""


class Written(NamedTuple):
    """Messages that were written to a delta channel at a time, a checkpoint's `ts`."""

    channel: str
    time: str
    messages: list[Any]


class DeltaTranscripts:
    """The messages of a thread's delta channels.

    Args:
        context: The operation's.
        thread_id: The thread.
        content: All of the thread's checkpoints and writes.
        root: The newest checkpoint of the root graph.
        log: The thread's log.
    """

    def __init__(
        self, context: Context, thread_id: str, content: Content, root: Record, log: LogCopy
    ) -> None:
        self._context = context
        self._root = root
        self._reader = Reader.of_log(context, thread_id, root.generation, log)
        records = [*content.ancestors, *content.listed]
        self._records = {r.checkpoint_id: r for r in records if r.namespace == root.namespace}
        self._writes: defaultdict[str, list[StoredWrite]] = defaultdict(list)
        for record in self._records.values():
            members = content.writes_of(record)
            self._writes[record.checkpoint_id] = self._reader.stored_writes(record, members)
        versions = self._reader.checkpoint(root)["channel_versions"]
        rebuilt = delta_channels(versions, root.channels, self._reader.metadata(root))
        snapshots = (name for name in root.channels if self._is_snapshot(root, name))
        self.channels = [name for name in (*rebuilt, *snapshots) if self._speaks(name)]

    def _is_snapshot(self, record: Record, name: str) -> bool:
        if record.channels[name].items is not None:
            return False
        return isinstance(self._reader.value(record, record.channels[name]), _DeltaSnapshot)

    def _speaks(self, name: str) -> bool:
        """Tell whether any message was written to a channel."""
        return any(self._messages(value) for _, value in self._values(name, self._records))

    def written(self) -> Iterator[Written]:
        """Yield everything that was ever written, oldest first in each channel."""
        checkpoint_ids = sorted(self._records)
        times: dict[str, str] = {}
        time = ""
        for checkpoint_id in reversed(checkpoint_ids):
            # What is kept as an ancestor has no time: it is that of the next one, or before.
            checkpoint: Any = self._reader.checkpoint(self._records[checkpoint_id])
            time = times[checkpoint_id] = checkpoint["ts"] if checkpoint else time
        for name in self.channels:
            for checkpoint_id, value in self._values(name, checkpoint_ids):
                messages = [m for m in self._messages(value) if not _removes(m)]
                if messages:
                    yield Written(name, times[checkpoint_id], messages)

    def present(self, name: str) -> list[Any]:
        """Return the messages that a channel holds now."""
        chain: list[str] = []
        record: Record | None = self._root
        while record is not None and record.checkpoint_id not in chain:
            chain.append(record.checkpoint_id)
            if name in record.channels:
                break
            record = self._records.get(record.parent_id or "")
        held: dict[Any, Any] = {}
        # The newest checkpoint's own writes belong to the step after it.
        for _, value in self._values(name, reversed(chain), writes_until=self._root.checkpoint_id):
            _apply(held, value, self._messages(value))
        return list(held.values())

    def _values(
        self, name: str, checkpoint_ids: Iterable[str], writes_until: str | None = None
    ) -> Iterator[tuple[str, Any]]:
        """Yield what checkpoints store for a channel, each followed by the writes after it."""
        for checkpoint_id in checkpoint_ids:
            record = self._records[checkpoint_id]
            if name in record.channels:
                yield checkpoint_id, self._reader.value(record, record.channels[name])
            if checkpoint_id == writes_until:
                return
            for write in self._writes[checkpoint_id]:
                if write.channel == name:
                    yield checkpoint_id, self._reader.write(write)[2]

    @staticmethod
    def _messages(value: Any) -> Sequence[Any]:
        """Return the messages in a value or a write."""
        items = _inside(value)
        return [item for item in (items if type(items) is list else [items]) if is_message(item)]


def _inside(value: Any) -> Any:
    """Return what a snapshot, or a write that starts anew, holds."""
    return value.value if _starts_anew(value) else value


def _starts_anew(value: Any) -> bool:
    # `langgraph.types.Overwrite`, by its name: LangGraph itself is not needed here.
    return isinstance(value, _DeltaSnapshot) or type(value).__name__ == "Overwrite"


def _apply(held: dict[Any, Any], value: Any, messages: Sequence[Any]) -> None:
    """Do to the messages that are held what a value or a write does."""
    if _starts_anew(value):
        held.clear()
    for message in messages:
        key = message.id if isinstance(message, BaseMessage) else message.get("id")
        if not _removes(message):
            held[key or id(message)] = message
        elif key == _REMOVE_ALL:
            held.clear()
        else:
            held.pop(key, None)


def _removes(message: Any) -> bool:
    return getattr(message, "type", None) == "remove"

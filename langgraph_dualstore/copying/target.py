"""Reading and writing threads as they were in another saver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, CheckpointTuple

from langgraph_dualstore import operations
from langgraph_dualstore._steps import Operation
from langgraph_dualstore.archive import Mark
from langgraph_dualstore.copying.comparing import id_of, newest_root
from langgraph_dualstore.copying.places import Places, by_task
from langgraph_dualstore.copying.sources import Reading
from langgraph_dualstore.errors import ArchiveRejected
from langgraph_dualstore.hot.memory import Memory
from langgraph_dualstore.operations.archive import Outcome
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.saver import DualStoreSaver

_T = TypeVar("_T")


class Target:
    """The saver that threads are copied to, by what it does that is not in the contract."""

    def __init__(self, saver: DualStoreSaver) -> None:
        self.saver = saver

    def where_is(self, thread_id: str) -> Mark | Literal["hot"] | None:
        """Return `"hot"` if a thread is in Redis, else what the archive has of it."""
        return self._run(operations.where_is(self._context, thread_id))

    def read(self, thread_id: str) -> list[CheckpointTuple]:
        """Return all of a thread as the servers have it, not as this process remembers it."""
        memory = Memory(self.saver.settings.cache_bytes)
        listing = operations.Listing(
            self._context._replace(memory=memory),
            {"configurable": {"thread_id": thread_id}},
            filter=None,
            before=None,
            limit=None,
        )
        found: list[CheckpointTuple] = []
        while batch := self._run(listing.next_batch()):
            found += batch
        return found

    def write(self, reading: Reading, missing: Iterable[CheckpointTuple]) -> None:
        """Put what is missing of a thread, oldest first.

        The newest checkpoint of the root graph comes last, and its writes before it: a
        thread that has it is complete, and whoever is killed before that leaves one that is
        seen not to be.
        """
        by_id = {id_of(item): item for item in reading.found}
        last = ("", newest_root(reading.found))
        for item in sorted(missing, key=lambda item: (id_of(item) == last, item.checkpoint["id"])):
            if id_of(item) == last:
                self._put_writes(item, reading.places)
            self._put(item, by_id)
            if id_of(item) != last:
                self._put_writes(item, reading.places)

    def archive(self, thread_ids: Sequence[str]) -> dict[str, Outcome | Exception]:
        """Archive threads, and return what became of each.

        Raises:
            ColdStoreError: The archive refused or failed.
            HotStoreError: Redis refused or failed.
        """
        try:
            return self._run(operations.archive_threads(self._context, thread_ids))
        except ArchiveRejected as error:
            if len(thread_ids) == 1:
                return {thread_ids[0]: error}
        outcomes: dict[str, Outcome | Exception] = {}
        for thread_id in thread_ids:
            outcomes |= self.archive([thread_id])
        return outcomes

    def _put(self, item: CheckpointTuple, by_id: dict[tuple[str, str], CheckpointTuple]) -> None:
        parent = item.parent_config
        parent_id = parent["configurable"].get("checkpoint_id") if parent else None
        known = by_id.get((id_of(item)[0], parent_id)) if parent_id else None
        self.saver.put(
            _config(item, parent_id), item.checkpoint, item.metadata, _changed(item, known)
        )

    def _put_writes(self, item: CheckpointTuple, places: Places) -> None:
        config = _config(item, item.checkpoint["id"])
        for task in by_task(item, places):
            self._run(
                operations.place_writes(
                    self._context, config, task.by_index, task.task_id, task.task_path
                )
            )

    @property
    def _context(self) -> Context:
        return self.saver._context  # noqa: SLF001 - this package's

    def _run(self, operation: Operation[_T]) -> _T:
        return self.saver._run(operation)  # noqa: SLF001 - this package's


def _config(item: CheckpointTuple, checkpoint_id: str | None) -> RunnableConfig:
    places = item.config["configurable"]
    names = {name: places[name] for name in ("thread_id", "checkpoint_ns")}
    return {"configurable": names | ({"checkpoint_id": checkpoint_id} if checkpoint_id else {})}


def _changed(item: CheckpointTuple, parent: CheckpointTuple | None) -> ChannelVersions:
    """Return the channels that a checkpoint does not have from its parent."""
    versions = item.checkpoint["channel_versions"]
    if parent is None:
        return dict(versions)
    before, had = parent.checkpoint["channel_versions"], parent.checkpoint["channel_values"]
    has = item.checkpoint["channel_values"]
    return {
        name: version
        for name, version in versions.items()
        if before.get(name) != version or (name in had) != (name in has)
    }

"""Reading threads from any saver, by its sync methods or its async ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from langgraph_dualstore.copying import known
from langgraph_dualstore.copying.places import Places
from langgraph_dualstore.errors import ConfigurationError

_Saver = BaseCheckpointSaver[Any]

_REDIS = "langgraph.checkpoint.redis"
_REDIS_LISTS = 10_000  # checkpoints at most, without saying that there are more


class Reading(NamedTuple):
    """A thread as the source has it.

    Attributes:
        thread_id: The thread.
        found: Its checkpoints in all namespaces, in no certain order.
        places: Where its pending writes are, as far as the source tells.
    """

    thread_id: str
    found: list[CheckpointTuple]
    places: Places


def is_async(source: _Saver) -> bool:
    """Tell whether a saver has async methods only, or wants its sync ones on other threads."""
    return type(source).__name__.startswith("Async") or (
        type(source).list is BaseCheckpointSaver.list
    )


def find_thread_ids(source: _Saver) -> Iterator[str]:
    """Yield the id of every thread of a saver, once each.

    Raises:
        ConfigurationError: The saver does not list all of its threads.
    """
    ids = known.thread_ids(source)
    if ids is None:
        # To the end before anything is yielded: some savers keep a lock until then.
        counted = _Counted(source)
        ids = list(dict.fromkeys(counted.thread_id_of(item) for item in source.list(None)))
        counted.check()
    yield from ids


async def afind_thread_ids(source: _Saver) -> AsyncIterator[str]:
    """Async twin of `find_thread_ids`, for savers with async methods."""
    ids = await known.athread_ids(source)
    if ids is None:
        counted = _Counted(source)
        ids = list(dict.fromkeys([counted.thread_id_of(item) async for item in source.alist(None)]))
        counted.check()
    for thread_id in ids:
        yield thread_id


def read_thread(source: _Saver, thread_id: str) -> Reading:
    """Read all of a thread."""
    found = list(source.list(_config_of(thread_id)))
    wrote = any(item.pending_writes for item in found)
    places = known.places(source, thread_id) if wrote else None
    return _reading(thread_id, found, places)


async def aread_thread(source: _Saver, thread_id: str) -> Reading:
    """Async twin of `read_thread`, for savers with async methods."""
    found = [item async for item in source.alist(_config_of(thread_id))]
    wrote = any(item.pending_writes for item in found)
    places = await known.aplaces(source, thread_id) if wrote else None
    return _reading(thread_id, found, places)


def _reading(thread_id: str, found: Iterable[CheckpointTuple], places: Places | None) -> Reading:
    return Reading(str(thread_id), [_with_namespace(item) for item in found], places or {})


def _with_namespace(item: CheckpointTuple) -> CheckpointTuple:
    places = {"checkpoint_ns": "", **item.config["configurable"]}
    return item._replace(config={"configurable": places})


def _config_of(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id}}


class _Counted:
    """Counts what a saver lists, for those that list so many checkpoints and no more."""

    def __init__(self, source: _Saver) -> None:
        self._limited = known.is_of(source, _REDIS)
        self._count = 0

    def thread_id_of(self, item: CheckpointTuple) -> str:
        self._count += 1
        return str(item.config["configurable"]["thread_id"])

    def check(self) -> None:
        if self._limited and self._count >= _REDIS_LISTS:
            raise ConfigurationError(
                f"langgraph-checkpoint-redis lists no more than {_REDIS_LISTS:,} checkpoints, so "
                "this source may have threads that it does not show; name the threads instead"
            )

"""Reading threads from any saver, by its sync methods or its async ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from langgraph_dualstore.copying import known, redis_saver
from langgraph_dualstore.copying.places import Places

_Saver = BaseCheckpointSaver[Any]


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
    """Yield the id of every thread of a saver, once each."""
    ids = known.thread_ids(source)
    if ids is None:
        # To the end before anything is yielded: some savers keep a lock until then.
        ids = list(dict.fromkeys(map(_thread_id_of, source.list(None))))
    yield from ids


async def afind_thread_ids(source: _Saver) -> AsyncIterator[str]:
    """Async twin of `find_thread_ids`, for savers with async methods."""
    ids = await known.athread_ids(source)
    if ids is None:
        ids = list(dict.fromkeys([_thread_id_of(item) async for item in source.alist(None)]))
    for thread_id in ids:
        yield thread_id


def read_thread(source: _Saver, thread_id: str) -> Reading:
    """Read all of a thread."""
    if known.is_of(source, redis_saver.PACKAGE):
        return Reading(thread_id, *redis_saver.at_once(redis_saver.read(source, thread_id)))
    found = list(source.list(_config_of(thread_id)))
    wrote = any(item.pending_writes for item in found)
    places = known.places(source, thread_id) if wrote else None
    return _reading(thread_id, found, places)


async def aread_thread(source: _Saver, thread_id: str) -> Reading:
    """Async twin of `read_thread`, for savers with async methods."""
    if known.is_of(source, redis_saver.PACKAGE):
        return Reading(thread_id, *await redis_saver.read(source, thread_id))
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


def _thread_id_of(item: CheckpointTuple) -> str:
    return str(item.config["configurable"]["thread_id"])

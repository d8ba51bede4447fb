"""Savers that are known, asked in their own way for what the contract does not tell.

Listing all threads' checkpoints only to learn the threads' ids would read everything once
more, and `list` tells no task paths. A saver of another kind, or of another version than
is known here, is not asked: `None`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from langgraph_dualstore import operations
from langgraph_dualstore.copying import redis_saver
from langgraph_dualstore.copying.places import Places, gathered
from langgraph_dualstore.paging import ids_of
from langgraph_dualstore.saver import DualStoreSaver

_logger = logging.getLogger(__name__)

_POSTGRES = "langgraph.checkpoint.postgres"
_SQLITE = "langgraph.checkpoint.sqlite"

_THREADS = "SELECT DISTINCT thread_id FROM checkpoints ORDER BY thread_id"
_PLACES = {
    _POSTGRES: "SELECT checkpoint_ns, checkpoint_id, task_path, task_id, idx, channel"
    " FROM checkpoint_writes WHERE thread_id = %s",
    _SQLITE: "SELECT checkpoint_ns, checkpoint_id, task_path, task_id, idx, channel"
    " FROM writes WHERE thread_id = ?",
}

_Saver = BaseCheckpointSaver[Any]
_Rows = Sequence[Sequence[Any]]


def is_of(source: _Saver, package: str) -> bool:
    """Tell whether a saver is of a package, or derived from one that is."""
    return any(f"{kind.__module__}.".startswith(f"{package}.") for kind in type(source).__mro__)


def thread_ids(source: _Saver) -> list[str] | None:
    """Return the ids of all threads."""
    if isinstance(source, InMemorySaver):
        return list(source.storage)
    if isinstance(source, DualStoreSaver):
        return list(ids_of(source.list_threads))
    if is_of(source, redis_saver.PACKAGE):
        return redis_saver.at_once(redis_saver.thread_ids(source))
    rows = _asked(source, _THREADS) if _kind(source) else None
    return None if rows is None else [row[0] for row in rows]


async def athread_ids(source: _Saver) -> list[str] | None:
    """Async twin of `thread_ids`, for savers in SQL and those with documents in Redis."""
    if is_of(source, redis_saver.PACKAGE):
        return await redis_saver.thread_ids(source)
    rows = await _aasked(source, _THREADS) if _kind(source) else None
    return None if rows is None else [row[0] for row in rows]


def places(source: _Saver, thread_id: str) -> Places | None:
    """Return where the pending writes of a thread are."""
    if isinstance(source, InMemorySaver):
        return gathered(
            (ns, checkpoint_id, path, task_id, index, channel)
            for ns, checkpoints in source.storage.get(thread_id, {}).items()
            for checkpoint_id in checkpoints
            for (_, index), (task_id, channel, _, path) in source.writes.get(
                (thread_id, ns, checkpoint_id), {}
            ).items()
        )
    if isinstance(source, DualStoreSaver):
        return gathered(source._run(operations.write_places(source._context, thread_id)))  # noqa: SLF001 - this package's
    kind = _kind(source)
    rows = _asked(source, _PLACES[kind], thread_id) if kind else None
    return None if rows is None else gathered(rows)


async def aplaces(source: _Saver, thread_id: str) -> Places | None:
    """Async twin of `places`, for savers in SQL."""
    kind = _kind(source)
    rows = await _aasked(source, _PLACES[kind], thread_id) if kind else None
    return None if rows is None else gathered(rows)


def _kind(source: _Saver) -> str | None:
    return next((package for package in _PLACES if is_of(source, package)), None)


# Their cursors are not public; what fails is asked by `list` instead, which tells why.


def _asked(source: Any, statement: str, *parameters: Any) -> _Rows | None:
    try:
        opened = source._cursor() if is_of(source, _POSTGRES) else source.cursor(transaction=False)  # noqa: SLF001
        with opened as cursor:
            cursor.execute(statement, parameters)
            return _plain(cursor.fetchall())
    except Exception:
        _logger.debug("cannot ask %s in its own way", type(source).__name__, exc_info=True)
        return None


async def _aasked(source: Any, statement: str, *parameters: Any) -> _Rows | None:
    try:
        if is_of(source, _POSTGRES):
            async with source._cursor() as cursor:  # noqa: SLF001
                await cursor.execute(statement, parameters)
                return _plain(await cursor.fetchall())
        await source.setup()
        async with source.lock, source.conn.execute(statement, parameters) as cursor:
            return _plain(await cursor.fetchall())
    except Exception:
        _logger.debug("cannot ask %s in its own way", type(source).__name__, exc_info=True)
        return None


def _plain(rows: Sequence[Any]) -> _Rows:
    return [tuple(row.values()) if isinstance(row, dict) else row for row in rows]

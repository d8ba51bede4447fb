"""`copy_threads` and its async twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from langgraph_dualstore.copying.copier import BATCH, Copier, failed
from langgraph_dualstore.copying.copies import Copy
from langgraph_dualstore.copying.sources import (
    afind_thread_ids,
    aread_thread,
    find_thread_ids,
    is_async,
    read_thread,
)
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.saver import DualStoreSaver


def copy_threads(
    source: BaseCheckpointSaver[Any],
    target: DualStoreSaver,
    thread_ids: Iterable[str] | None = None,
    *,
    archive: bool | None = None,
    archived_only: bool = False,
    dry_run: bool = False,
) -> Iterator[Copy]:
    """Copy threads from any saver, and tell of each what became of it.

    A thread is read back and compared with the source after it was put. What is there
    already is not put again, so whoever was interrupted begins again and completes the
    rest. A thread that the target has gone on with is left alone.

    Nothing is done until the result is iterated.

    Args:
        source: What is copied from; it is only read.
        target: What is copied to.
        thread_ids: Which threads; `None` for all that the source lists.
        archive: Whether threads are archived as soon as they are copied, 50 at a time.
            `None`: if the target has an archive and its `archive_on` is not `"manual"`.
        archived_only: Whether Redis is to be without what was archived: a thread comes back
            when somebody asks for it.
        dry_run: Change nothing, and tell what would be done.

    Raises:
        ConfigurationError: The source has async methods only, or it is the target, or an
            archive is needed.
        StoreError: The target refused or failed; what was copied is safe.
    """
    if is_async(source):
        raise ConfigurationError(
            f"{type(source).__name__} has async methods only; use acopy_threads"
        )
    require_other(source, target)
    copier = Copier(target, archive=archive, archived_only=archived_only, dry_run=dry_run)
    ids = find_thread_ids(source) if thread_ids is None else thread_ids
    yield from copier.copies(partial(read_thread, source), ids)


async def acopy_threads(
    source: BaseCheckpointSaver[Any],
    target: DualStoreSaver,
    thread_ids: Iterable[str] | None = None,
    *,
    archive: bool | None = None,
    archived_only: bool = False,
    dry_run: bool = False,
) -> AsyncIterator[Copy]:
    """Async twin of `copy_threads`, for any source: the event loop is never blocked.

    The target's blocking methods are called on another thread, and so are the source's if
    it has any.
    """
    require_other(source, target)
    copier = Copier(target, archive=archive, archived_only=archived_only, dry_run=dry_run)
    reads = is_async(source)
    ids = list(thread_ids) if thread_ids is not None else await _found(source, reads)
    batch: list[Copy] = []
    for thread_id in ids:
        if reads:
            try:
                reading = await aread_thread(source, thread_id)
            except Exception as error:  # noqa: BLE001 - whatever the source raises
                batch.append(failed(thread_id, "it cannot be read", error))
            else:
                batch.append(await asyncio.to_thread(copier.take, reading))
        else:
            read = partial(read_thread, source)
            batch.append(await asyncio.to_thread(copier.copy, thread_id, read))
        if len(batch) == BATCH:
            for copy in await asyncio.to_thread(copier.settled, batch):
                yield copy
            batch = []
    for copy in await asyncio.to_thread(copier.settled, batch):
        yield copy


async def _found(source: BaseCheckpointSaver[Any], reads: bool) -> list[str]:
    if reads:
        return [thread_id async for thread_id in afind_thread_ids(source)]
    return await asyncio.to_thread(lambda: list(find_thread_ids(source)))


def require_other(source: BaseCheckpointSaver[Any], target: DualStoreSaver) -> None:
    """Raise if the source is the target.

    Raises:
        ConfigurationError: It is.
    """
    if isinstance(source, DualStoreSaver) and (
        (source.servers.hot, source.settings.prefix) == (target.servers.hot, target.settings.prefix)
    ):
        raise ConfigurationError("the source is the saver that is to be copied to")

"""The savers of `langgraph-checkpoint-redis`, read checkpoint by checkpoint.

Their `list` is not what a copy can be made of (0.5.2). That of `RedisSaver` leaves messages as
the JSON that they are stored as; those of the shallow savers call the root graph's namespace
`__empty__`, and the async one tells no values. All of them ask an index for the thread, which
does not tell `A` from `a`, finds `a,b` when it is asked for `a` but not when it is asked for
`a,b`, and gives 10,000 checkpoints at most, without saying that there are more. `get_tuple`
goes by keys, and is right but for pending writes.

So the index only tells which keys to look at; where it does not know them all, every key is
looked at. The documents there say which checkpoints they are, `get_tuple` reads each, and
their pending writes are read as they are stored.

Everything is written once, for sync savers and async ones: what a sync one answers is there
at once, and need not be waited for.
"""

from __future__ import annotations

import inspect
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from langgraph.checkpoint.base import Checkpoint, CheckpointTuple, PendingWrite, writes_sort_key

from langgraph_dualstore.copying.places import Place, Places

# ruff: noqa: SLF001 - what these savers keep where is not public

PACKAGE = "langgraph.checkpoint.redis"

_INDEX_GIVES = 10_000
_BATCH = 500
_DOCUMENT = "ReJSON-RL"  # what Redis calls the type of a JSON document
_NO_NAMESPACE = "__empty__"
_OWN_FIELDS = ("type", "pending_sends")  # of theirs in a checkpoint, and of no use to LangGraph
_GLOB = re.compile(r"([*?\[\]\\])")

_T = TypeVar("_T")


class _Id(NamedTuple):
    thread_id: str
    namespace: str
    checkpoint_id: str


def at_once(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Return what a function of this module returns for a sync saver."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("_T", done.value)
    coroutine.close()
    raise TypeError("an async saver was asked as a sync one")


async def thread_ids(source: Any) -> list[str]:
    """Return the ids of all threads."""
    found: set[str] = set()
    async for keys in _keys(source):
        found.update(each.thread_id for each in await _ids_at(source, keys))
    return sorted(found)


async def read(source: Any, thread_id: str) -> tuple[list[CheckpointTuple], Places]:
    """Return all checkpoints of a thread, and where their pending writes are."""
    if getattr(source, "_key_registry", ...) is None:
        await _answer(source.setup())  # without which it cannot read pending writes
    found: list[CheckpointTuple] = []
    places: dict[tuple[str, str], Sequence[Place]] = {}
    for which in await _ids_of(source, thread_id):
        item = await _get(source, which)
        if item is None:  # it has expired since
            continue
        # A shallow saver may have another one there by now.
        which = which._replace(checkpoint_id=item.checkpoint["id"])  # noqa: PLW2901
        writes, known = await _writes(source, which)
        places[which.namespace, which.checkpoint_id] = known
        found.append(item._replace(pending_writes=writes))
    return found, places


async def _answer(reply: Any) -> Any:
    return await reply if inspect.isawaitable(reply) else reply


def _is_async(source: Any) -> bool:
    return inspect.iscoroutinefunction(source.setup)


async def _ids_of(source: Any, thread_id: str) -> list[_Id]:
    found = await _answer(source.checkpoints_index.search(_query(thread_id)))
    batches = _batches(found.docs)
    ids = {each for docs in batches for each in await _ids_at(source, [doc.id for doc in docs])}
    if found.total != len(found.docs) or not any(each.thread_id == thread_id for each in ids):
        async for keys in _keys(source, f"{thread_id}:"):
            ids.update(await _ids_at(source, keys))
    return sorted(each for each in ids if each.thread_id == thread_id)


def _query(thread_id: str) -> Any:
    from redisvl.query import FilterQuery  # noqa: PLC0415 - it is there if such a saver is
    from redisvl.query.filter import Tag  # noqa: PLC0415 - the same

    return FilterQuery(Tag("thread_id") == thread_id, num_results=_INDEX_GIVES).no_content()


async def _keys(source: Any, begin: str = "") -> AsyncIterator[list[Any]]:
    """Yield the keys of checkpoints that begin so after the saver's prefix."""
    pattern = _GLOB.sub(r"\\\1", f"{source._checkpoint_prefix}:{begin}") + "*"
    keys: list[Any] = []
    async for key in _each(source._redis.scan_iter(pattern, count=1000, _type=_DOCUMENT)):
        keys.append(key)
        if len(keys) == _BATCH:
            yield keys
            keys = []
    yield keys


async def _each(found: Any) -> AsyncIterator[Any]:
    if hasattr(found, "__aiter__"):
        async for item in found:
            yield item
    else:
        for item in found:
            yield item


def _batches(items: Sequence[_T]) -> Iterable[Sequence[_T]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))


async def _ids_at(source: Any, keys: Sequence[Any]) -> list[_Id]:
    fields = ("thread_id", "checkpoint_ns", "checkpoint_id")
    documents = await _documents(source, keys, fields)
    # A pending write that comes before its checkpoint leaves a document without an id.
    return [
        _Id(str(thread_id), "" if namespace == _NO_NAMESPACE else namespace, checkpoint_id)
        for thread_id, namespace, checkpoint_id in documents
        if thread_id is not None
    ]


async def _documents(
    source: Any, keys: Sequence[Any], fields: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Return some fields of the documents that are still there, `None` for one that is not."""
    if not keys:
        return []
    pipeline = source._redis.pipeline(transaction=False)
    for key in keys:
        pipeline.json().get(key, *(f"$.{field}" for field in fields))
    replies = await _answer(pipeline.execute())
    return [
        tuple(next(iter(reply[f"$.{field}"]), None) for field in fields)
        for reply in replies
        if reply
    ]


async def _get(source: Any, which: _Id) -> CheckpointTuple | None:
    get = source.aget_tuple if _is_async(source) else source.get_tuple
    item: CheckpointTuple | None = await _answer(get({"configurable": _configurable(which)}))
    if item is None:
        return None
    fields = {name: value for name, value in item.checkpoint.items() if name not in _OWN_FIELDS}
    return item._replace(checkpoint=cast("Checkpoint", fields))


def _configurable(which: _Id) -> dict[str, str]:
    thread_id, namespace, checkpoint_id = which
    return {
        "thread_id": thread_id,
        "checkpoint_ns": namespace,
        "checkpoint_id": checkpoint_id,
    }


async def _writes(source: Any, which: _Id) -> tuple[list[PendingWrite], list[Place]]:
    """Return a checkpoint's pending writes in LangGraph's order, and their places.

    `get_tuple` is not asked for them: that of `RedisSaver` tells none of those that came
    before their checkpoint, and the shallow savers' all that were written to earlier ones.
    """
    fields = ("checkpoint_id", "type", "blob", "task_path", "task_id", "idx", "channel")
    documents = await _documents(source, await _write_keys(source, which), fields)
    found = [
        (Place(*place), source.serde.loads_typed((kind, b64decode(blob))))
        for checkpoint_id, kind, blob, *place in documents
        if checkpoint_id == which.checkpoint_id
    ]
    found.sort(key=lambda it: writes_sort_key(it[0].task_path, it[0].task_id, it[0].slot))
    writes = [(place.task_id, place.channel, value) for place, value in found]
    return writes, [place for place, _ in found]


async def _write_keys(source: Any, which: _Id) -> Sequence[Any]:
    registry = getattr(source, "_key_registry", None)
    if registry is not None:
        return cast("Sequence[Any]", await _answer(registry.get_write_keys(*which)))
    kind = "write_keys_zset" if _is_async(source) else "write_registry"
    key = f"{kind}:{which.thread_id}:{which.namespace or _NO_NAMESPACE}:shallow"
    return cast("Sequence[Any]", await _answer(source._redis.zrange(key, 0, -1)))

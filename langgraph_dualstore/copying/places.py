"""Where pending writes belong: a task's path and a write's index, which `list` does not tell.

The path decides the order in which delta channels are rebuilt, also beside writes that come
after the copy, and the index which write is replaced by a repeated task. Savers that are
known are asked for both in their own way. For others, both are made up in such a way that
the writes come back in the order in which they were listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    CheckpointTuple,
    PendingWrite,
    writes_sort_key,
)


class Place(NamedTuple):
    """Where the source has a write; in the order of `writes_sort_key`."""

    task_path: str
    task_id: str
    slot: int
    channel: str


Places = Mapping[tuple[str, str], Sequence[Place]]
"""The places of a thread's writes, by namespace and checkpoint."""


class TaskWrites(NamedTuple):
    """What one task wrote."""

    task_id: str
    task_path: str
    by_index: dict[int, tuple[str, Any]]


def gathered(rows: Iterable[Sequence[Any]]) -> Places:
    """Return places, given a namespace, a checkpoint and the fields of a `Place` in each row."""
    places: dict[tuple[str, str], list[Place]] = {}
    for namespace, checkpoint_id, *fields in rows:
        places.setdefault((namespace, checkpoint_id), []).append(Place(*fields))
    for found in places.values():
        found.sort(key=lambda place: writes_sort_key(place.task_path, place.task_id, place.slot))
    return places


def by_task(found: CheckpointTuple, places: Places) -> list[TaskWrites]:
    """Return a checkpoint's pending writes, task by task, to be stored in this order."""
    writes = found.pending_writes or []
    configurable = found.config["configurable"]
    known = places.get((configurable["checkpoint_ns"], configurable["checkpoint_id"]), ())
    if [(place.task_id, place.channel) for place in known] != [write[:2] for write in writes]:
        known = _made_up(writes)
    tasks: dict[tuple[str, str], TaskWrites] = {}
    for place, (task_id, channel, value) in zip(known, writes, strict=True):
        task = tasks.setdefault(
            (place.task_path, task_id), TaskWrites(task_id, place.task_path, {})
        )
        task.by_index[place.slot] = (channel, value)
    return list(tasks.values())


def _made_up(writes: Sequence[PendingWrite]) -> list[Place]:
    runs = [(task_id, list(of_it)) for task_id, of_it in groupby(writes, key=lambda it: it[0])]
    order = [task_id for task_id, _ in runs]
    # Tasks without a path come in the order of their ids.
    numbered = order != sorted(order)
    counted: dict[str, int] = {}
    places: list[Place] = []
    for number, (task_id, of_it) in enumerate(runs):
        path = f"{number:010d}" if numbered else ""
        for _, channel, _ in of_it:
            index = counted.get(task_id, 0)
            counted[task_id] = index + 1
            places.append(Place(path, task_id, WRITES_IDX_MAP.get(channel, index), channel))
    return places

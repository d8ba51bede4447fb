"""Whether the target has what the source has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langgraph.checkpoint.base import CheckpointTuple, PendingWrite
from langgraph.checkpoint.serde.base import SerializerProtocol

Id = tuple[str, str]
"""A checkpoint's namespace and id."""

_SHOWN = 3


def id_of(item: CheckpointTuple) -> Id:
    """Return which checkpoint of its thread this is."""
    return item.config["configurable"]["checkpoint_ns"], item.checkpoint["id"]


def newest_root(found: Sequence[CheckpointTuple]) -> str:
    """Return the id of the root graph's newest checkpoint, `""` if there is none."""
    return max((item.checkpoint["id"] for item in found if not id_of(item)[0]), default="")


def newest(found: Sequence[CheckpointTuple], keep_last: int | None) -> list[CheckpointTuple]:
    """Return the checkpoints that a target keeps, all of them for `None`."""
    if keep_last is None:
        return list(found)
    kept: dict[str, list[CheckpointTuple]] = {}
    for item in sorted(found, key=id_of, reverse=True):
        of_namespace = kept.setdefault(id_of(item)[0], [])
        if len(of_namespace) < keep_last:
            of_namespace.append(item)
    return [item for items in kept.values() for item in items]


def went_on(source: Sequence[CheckpointTuple], target: Sequence[CheckpointTuple]) -> bool:
    """Tell whether the target has checkpoints of its own after those that both have.

    Older ones are none of its own: the source has dropped them since.
    """
    theirs, ours = set(map(id_of, source)), set(map(id_of, target))
    common = max((checkpoint_id for _, checkpoint_id in theirs & ours), default="")
    return any(checkpoint_id > common for _, checkpoint_id in ours - theirs)


class Comparison:
    """Compares checkpoints as two savers list them.

    Args:
        serde: Values that it writes as the same bytes are the same.
    """

    def __init__(self, serde: SerializerProtocol) -> None:
        self._serde = serde

    def differs(self, source: CheckpointTuple, target: CheckpointTuple | None) -> str | None:
        """Return what the target has not, or has in another way, `None` if it has all.

        It may have pending writes besides.
        """
        return next(self._differences(source, target), None)

    def summary(
        self, source: Sequence[CheckpointTuple], target: Sequence[CheckpointTuple]
    ) -> str | None:
        """Return what is missing or different, in a sentence; `None` if nothing is."""
        by_id = {id_of(item): item for item in target}
        found = [
            f"checkpoint {item.checkpoint['id']}: {difference}"
            for item in source
            if (difference := self.differs(item, by_id.get(id_of(item))))
        ]
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return "; ".join(found[:_SHOWN]) + more if found else None

    def _differences(
        self, source: CheckpointTuple, target: CheckpointTuple | None
    ) -> Iterator[str]:
        if target is None:
            yield "it is missing"
            return
        if _parent_of(source) != _parent_of(target):
            yield "the parent is another one"
        if not self._same(dict(source.metadata or {}), dict(target.metadata or {})):
            yield "the metadata are others"
        for name, (theirs, ours) in _paired(source.checkpoint, target.checkpoint).items():
            if name != "channel_values" and not self._same(theirs, ours):
                yield f"{name} is another one"
        values = _paired(source.checkpoint["channel_values"], target.checkpoint["channel_values"])
        for name, (theirs, ours) in values.items():
            if ours is _NOTHING or theirs is _NOTHING:
                yield f"channel {name!r} has {'no' if ours is _NOTHING else 'a'} value"
            elif not self._same(theirs, ours):
                yield f"channel {name!r} has another value{_revived(theirs, ours)}"
        if not self._holds(target.pending_writes or [], source.pending_writes or []):
            yield "the pending writes are others"

    def _holds(self, ours: Sequence[PendingWrite], theirs: Sequence[PendingWrite]) -> bool:
        """Tell whether all of their writes are among ours, in their order."""
        rest = iter(ours)
        return all(
            any(
                tuple(mine[:2]) == tuple(write[:2]) and self._same(write[2], mine[2])
                for mine in rest
            )
            for write in theirs
        )

    def _same(self, theirs: Any, ours: Any) -> bool:
        if type(theirs) is not type(ours):
            return False
        if self._serde.dumps_typed(theirs) == self._serde.dumps_typed(ours):
            return True
        try:
            return bool(theirs == ours)  # a set, for one, is written in any order
        except Exception:  # noqa: BLE001 - not all values can be compared
            return False


_NOTHING = object()


def _paired(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = {**theirs, **ours}
    return {name: (theirs.get(name, _NOTHING), ours.get(name, _NOTHING)) for name in names}


def _parent_of(item: CheckpointTuple) -> str | None:
    if item.parent_config is None:
        return None
    parent: str | None = item.parent_config["configurable"].get("checkpoint_id")
    return parent or None


def _revived(theirs: Any, ours: Any) -> str:
    """Return the likely reason why a value came back as another one."""
    if type(theirs) is type(ours):
        return ""
    return (
        f", a {type(ours).__name__} for a {type(theirs).__name__}; the saver's serializer must be "
        "allowed to revive that class"
    )

"""Running operations side by side, so that they share exchanges with Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from langgraph_dualstore._steps import HotStep, Operation, Together
from langgraph_dualstore.errors import HotStoreError, HotStoreUnavailable

_T = TypeVar("_T")


def together(operations: Iterable[Operation[_T]]) -> Operation[list[_T | Exception]]:
    """Run operations side by side.

    Args:
        operations: All of their steps are Redis' own.

    Returns:
        What each returned, or the exception that it raised.
    """
    results: dict[int, _T | Exception] = {}
    waiting: dict[int, tuple[Operation[_T], HotStep]] = {}

    def go_on(place: int, operation: Operation[_T], resume: Callable[[], Any]) -> None:
        try:
            waiting[place] = operation, cast("HotStep", resume())
        except StopIteration as finished:
            results[place] = finished.value
        except Exception as error:  # noqa: BLE001 - its caller decides
            results[place] = error

    for place, operation in enumerate(operations):
        go_on(place, operation, partial(next, operation))
    while waiting:
        asked, waiting = waiting, {}
        replies = yield from _replies([step for _, step in asked.values()])
        for (place, (operation, _)), reply in zip(asked.items(), replies, strict=True):
            resume = operation.throw if isinstance(reply, Exception) else operation.send
            go_on(place, operation, partial(resume, reply))
    return [results[place] for place in sorted(results)]


def _replies(steps: Sequence[HotStep]) -> Operation[list[Any]]:
    """Take steps; the replies, or exceptions, to each."""
    try:
        replies: list[Any] = yield Together(steps)
    except HotStoreUnavailable as error:
        return [error] * len(steps)
    except HotStoreError:
        # One of them was refused; taken alone, each is or is not.
        replies = []
        for step in steps:
            try:
                reply = yield step
            except HotStoreError as error:
                reply = error
            replies.append(reply)
    return replies

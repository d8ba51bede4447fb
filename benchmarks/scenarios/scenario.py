"""What a scenario is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.savers import Saver
from benchmarks.scale import Scale

Work = Callable[[], Any]
AsyncWork = Callable[[], Awaitable[Any]]


def call_ms(seconds: list[float], scale: Scale) -> float:
    return (min if scale.best else median)(seconds) * 1000


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One thing that is timed, with each API.

    Attributes:
        name: Its name on the command line.
        title: What is measured, in a few words.
        prepare: Prepares threads with a saver and returns the calls to time, one by one.
        aprepare: The same for the async API.
        check: Whether what such a call returned is complete: a saver that loses something must
            not look quick.
        unit: Of the value of a round.
        value: The value of a round, from the seconds of its calls.
        prepared_once: The calls only read: the same ones serve every round.
        many_at_once: Many calls are under way at the same time, and the saver is opened for that.
    """

    name: str
    title: str
    prepare: Callable[[Saver, Scale], list[Work]]
    aprepare: Callable[[Saver, Scale], Awaitable[list[AsyncWork]]]
    check: Callable[[Any, Scale], bool]
    unit: str = "ms"
    value: Callable[[list[float], Scale], float] = call_ms
    prepared_once: bool = False
    many_at_once: bool = False

    @property
    def higher_is_better(self) -> bool:
        return self.unit != "ms"

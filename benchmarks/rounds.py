"""Interleaved rounds: in each, every saver is measured once, in an order that rotates.

A machine's speed drifts while a benchmark runs. What is measured seconds apart can be compared,
what is measured minutes apart cannot: so ratios are computed per round.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter
from typing import Any

from rich.console import Console

from benchmarks.opened import Opened
from benchmarks.results import Failure, Timed
from benchmarks.savers import Saver
from benchmarks.scale import Scale
from benchmarks.scenarios import Scenario
from benchmarks.scenarios.scenario import AsyncWork, Work

WARM_UP_ROUNDS = 1


class IncompleteResultError(Exception):
    """A saver returned less than was stored."""


class Rounds:
    """Runs the rounds of one scenario with one API."""

    def __init__(self, opened: Opened, scenario: Scenario, api: str, scale: Scale) -> None:
        self._opened = opened
        self._scenario = scenario
        self._api = api
        self._scale = scale
        self._prepared: dict[str, list[Any]] = {}
        self.failures: list[Failure] = []

    def run(self, names: Sequence[str], console: Console) -> list[Timed]:
        """Measure these savers; one that fails is left out from then on."""
        values: dict[str, list[float]] = {name: [] for name in names}
        for name in names:
            self._saver(name)
        set_aside_what_stays()
        for number in range(WARM_UP_ROUNDS + self._scale.rounds):
            for name in rotated(list(values), number):
                try:
                    value = self._block(name)
                except Exception as error:
                    console.print(traceback.format_exc(), style="red", markup=False)
                    del values[name]
                    self._failed(name, error)
                    continue
                if number >= WARM_UP_ROUNDS:
                    values[name].append(value)
        if self._scenario.prepared_once:
            for name in names:
                self._clear(name)
        return [
            Timed(
                scenario=self._scenario.name,
                api=self._api,
                saver=name,
                unit=self._scenario.unit,
                values=tuple(found),
            )
            for name, found in values.items()
        ]

    def _block(self, name: str) -> float:
        saver = self._saver(name)
        works = self._prepared.get(name)
        if works is None:
            works = prepare(self._opened, self._scenario, self._api, saver, self._scale)
        if self._scenario.prepared_once:
            self._prepared[name] = works
        if self._api == "sync":
            seconds, found = timed(works)
        else:
            seconds, found = self._opened.runner.run(atimed(works))
        if not all(self._scenario.check(result, self._scale) for result in found):
            raise IncompleteResultError(f"{name} in {self._scenario.name}")
        del found, works
        if not self._scenario.prepared_once:
            self._clear(name)
        return self._scenario.value(seconds, self._scale)

    def _saver(self, name: str) -> Saver:
        return self._opened.saver(name, self._api, many_at_once=self._scenario.many_at_once)

    def _clear(self, name: str) -> None:
        self._opened.clear(name, self._saver(name))

    def _failed(self, name: str, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        self.failures.append(
            Failure(scenario=self._scenario.name, api=self._api, saver=name, error=text)
        )


def prepare(opened: Opened, scenario: Scenario, api: str, saver: Saver, scale: Scale) -> list[Any]:
    """The calls to time, with the threads that they need."""
    if api == "sync":
        return scenario.prepare(saver, scale)
    return opened.runner.run(_awaited(scenario, saver, scale))


async def _awaited(scenario: Scenario, saver: Saver, scale: Scale) -> list[AsyncWork]:
    return await scenario.aprepare(saver, scale)


def rotated(names: list[str], number: int) -> list[str]:
    """The names in an order in which each is first, second, … equally often."""
    start = number % len(names) if names else 0
    return names[start:] + names[:start]


def set_aside_what_stays() -> None:
    """Spare the collector the modules and savers: a collection takes 1 ms instead of 100."""
    gc.collect()
    gc.freeze()


@contextmanager
def garbage_collected_before() -> Iterator[None]:
    """No collection runs inside; what lay around was collected before."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


Around = Callable[[], AbstractContextManager[Any]]


def timed(
    works: list[Work], around: Around = garbage_collected_before
) -> tuple[list[float], list[Any]]:
    """Call each and measure it; ``around`` is entered once, before the first."""
    seconds, found = [], []
    with around():
        for work in works:
            start = perf_counter()
            result = work()
            seconds.append(perf_counter() - start)
            found.append(result)
    return seconds, found


async def atimed(
    works: list[AsyncWork], around: Around = garbage_collected_before
) -> tuple[list[float], list[Any]]:
    """Await each and measure it; ``around`` is entered once, before the first."""
    seconds, found = [], []
    with around():
        for work in works:
            start = perf_counter()
            result = await work()
            seconds.append(perf_counter() - start)
            found.append(result)
    return seconds, found

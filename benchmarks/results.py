"""What a run found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from benchmarks.savers import BASELINE


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A median and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if len(values) < 2:
            return cls(median=values[0], low=values[0], high=values[0])
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median=median(values), low=low, high=high)


@dataclass(frozen=True, kw_only=True)
class Timed:
    """The values of one saver in one scenario, one per round."""

    scenario: str
    api: str
    saver: str
    unit: str
    values: tuple[float, ...]

    @property
    def spread(self) -> Spread:
        return Spread.of(self.values)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What a conversation on an empty server left there, and what went over the wire for it.

    ``None`` where the saver has no server.
    """

    api: str
    saver: str
    turns: int
    server_bytes: int
    server_items: int | None
    sent_bytes: int | None
    received_bytes: int | None
    round_trips_per_turn: float | None
    commands_per_turn: float | None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A saver that did not get through a scenario."""

    scenario: str
    api: str
    saver: str
    error: str


@dataclass(kw_only=True)
class Results:
    """Everything that a run found."""

    versions: dict[str, str]
    timed: list[Timed] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def timed_of(self, scenario: str, api: str, saver: str) -> Timed | None:
        wanted = (scenario, api, saver)
        return next((t for t in self.timed if (t.scenario, t.api, t.saver) == wanted), None)

    def stored_of(self, api: str, saver: str) -> Stored | None:
        return next((s for s in self.stored if (s.api, s.saver) == (api, saver)), None)

    def ratio(self, scenario: str, api: str, saver: str) -> Spread | None:
        """To the baseline, computed in each round and only then summed up."""
        mine = self.timed_of(scenario, api, saver)
        baseline = self.timed_of(scenario, api, BASELINE)
        if mine is None or baseline is None:
            return None
        return Spread.of([m / b for m, b in zip(mine.values, baseline.values, strict=True)])

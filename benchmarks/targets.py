"""What ``DualStoreSaver`` has to reach, with both APIs, and whether a run shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.results import Results, Stored
from benchmarks.savers import MEASURED
from benchmarks.scenarios.stored import NAME as STORED

MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Target:
    """A bound. Of a timed scenario, on the ratio to ``InMemorySaver``."""

    scenario: str
    what: str
    bound: float
    at_least: bool = False
    counted: Callable[[Stored], float] | None = None

    def reached(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def found(self, results: Results, api: str) -> float | None:
        """The value in a run, or None if the run did not measure it."""
        if self.counted is None:
            ratio = results.ratio(self.scenario, api, MEASURED)
            return ratio.median if ratio else None
        stored = results.stored_of(api, MEASURED)
        return self.counted(stored) if stored else None


TARGETS = (
    Target(scenario="turn-2", what="time of a turn, 2 messages", bound=1.5),
    Target(scenario="turn-50", what="time of a turn, 50 messages", bound=1.3),
    Target(scenario="turn-200", what="time of a turn, 200 messages", bound=0.9),
    Target(scenario="turn-1000", what="time of a turn, 1000 messages", bound=0.65),
    Target(scenario="get_tuple", what="time of get_tuple, 200 messages", bound=0.8),
    Target(scenario="list", what="time of list, 200 checkpoints", bound=0.05),
    Target(scenario="sends", what="time of 20 Sends", bound=1.5),
    Target(
        scenario="concurrent",
        what="throughput of 50 conversations",
        bound=0.65,
        at_least=True,
    ),
    Target(
        scenario=STORED,
        what="round trips a turn",
        bound=6,
        counted=lambda stored: stored.round_trips_per_turn,
    ),
    Target(
        scenario=STORED,
        what="MB on the server, 100 turns",
        bound=1.2,
        counted=lambda stored: stored.server_bytes / MEGABYTE,
    ),
    Target(
        scenario=STORED,
        what="MB sent, 100 turns",
        bound=0.9,
        counted=lambda stored: stored.sent_bytes / MEGABYTE,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A target, the value found with one API (None: the scenario failed), and the outcome."""

    target: Target
    api: str
    value: float | None

    @property
    def passed(self) -> bool:
        return self.value is not None and self.target.reached(self.value)


def verdicts(results: Results, scenarios: list[str], apis: list[str]) -> list[Verdict]:
    """One per target that this run was to measure."""
    return [
        Verdict(target=target, api=api, value=target.found(results, api))
        for target in TARGETS
        if target.scenario in scenarios
        for api in apis
    ]

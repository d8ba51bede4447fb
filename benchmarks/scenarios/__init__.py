"""Every scenario that is timed, in the order of the report."""

from benchmarks.scale import FULL
from benchmarks.scenarios.concurrent import CONCURRENT
from benchmarks.scenarios.get_tuple import GET_TUPLE
from benchmarks.scenarios.listing import LIST
from benchmarks.scenarios.put import PUT
from benchmarks.scenarios.scenario import Scenario
from benchmarks.scenarios.sends import SENDS
from benchmarks.scenarios.turn import turn_scenario

TIMED: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        *(turn_scenario(length) for length in FULL.turn_lengths),
        PUT,
        GET_TUPLE,
        LIST,
        SENDS,
        CONCURRENT,
    )
}

__all__ = ["TIMED", "Scenario"]

"""What a measurement is, and when it is good enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.archive.setting import Setting
from benchmarks.results import Spread


@dataclass(frozen=True, kw_only=True)
class Row:
    """A ratio that was measured, and what it is made of.

    Attributes:
        what: What was measured.
        values: The two times or rates, in words.
        ratio: The median of the rounds' ratios, with quartiles.
        bound: What the ratio must not exceed, or must reach.
        at_least: Whether it must reach the bound.
    """

    what: str
    values: str
    ratio: Spread
    bound: float
    at_least: bool = False

    @property
    def passed(self) -> bool:
        ratio = self.ratio.median
        return ratio >= self.bound if self.at_least else ratio <= self.bound


Measure = Callable[[Setting, int], list[Row]]
"""Measures in so many rounds."""

"""Confidence intervals: the thresholds that a test does not reject, at the level of the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from circuitcheck.statistics.onesided import REACH, OneSidedTest
from circuitcheck.statistics.sample import Floats

_SECTIONS = 33
_ROUNDS = 8


@dataclass(frozen=True)
class Interval:
    """The values of a quantity that its sample does not rule out; both ends belong to it."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def within(self, low: float, high: float) -> Interval:
        """The part of it that a quantity with a known range can take, for display."""
        return Interval(min(max(self.low, low), high), max(min(self.high, high), low))


def invert(test: OneSidedTest, alpha_side: float) -> Interval | None:
    """All thresholds that neither side of the test rejects at `alpha_side`; None if they have no end."""
    low = _last_accepted(lambda t: test.p_above(t) > alpha_side, test.centre, -test.step)
    high = _last_accepted(lambda t: test.p_below(t) > alpha_side, test.centre, test.step)
    return None if low is None or high is None else Interval(low, high)


def _last_accepted(accepts: Callable[[Floats], np.ndarray], inner: float, step: float) -> float | None:
    """The accepted threshold farthest from `inner` in the direction of `step`, by doubling, then sections.

    Of several ends the outermost is taken: an interval may be too wide, never too narrow.
    """
    points = inner + step * np.concatenate([[0.0], REACH])
    for _ in range(_ROUNDS + 1):
        accepted = np.flatnonzero(accepts(points))
        last = int(accepted[-1]) if len(accepted) else 0
        if last == len(points) - 1:
            return None
        points = np.linspace(points[last], points[last + 1], _SECTIONS)
    return float(points[0])

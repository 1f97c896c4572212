"""Confidence intervals: the thresholds that a test does not reject, at the level of the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from circuitcheck.statistics.onesided import REACH, OneSidedTest
from circuitcheck.statistics.sample import Floats

PValues = Callable[[Floats], Floats]
"""One-sided p-values of thresholds, of the same shape as these."""

_SECTIONS = 33
_ROUNDS = 7
"""Of sections of sections, where p-values jump."""
_PRECISION = 1e-10
"""How exactly an end is found where they do not, as a share of one of the first sections."""
_LEAST_RTOL = 4 * float(np.finfo(np.float64).eps)


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
    finish = _cut if test.jumps else _crossing
    ends = []
    for p_values, step in ((test.p_above, -test.step), (test.p_below, test.step)):
        around = _last_accepted(p_values, alpha_side, test.centre + step * np.concatenate([[0.0], REACH]))
        if around is None:
            return None
        inside = _last_accepted(p_values, alpha_side, np.linspace(*around, _SECTIONS))
        ends.append(finish(p_values, alpha_side, inside or around))
    return Interval(*ends)


def _last_accepted(p_values: PValues, alpha_side: float, points: Floats) -> tuple[float, float] | None:
    """The last of the points that is accepted, and the next; None where there is no next.

    Of several ends the outermost is taken: an interval may be too wide, never too narrow.
    """
    accepted = np.flatnonzero(p_values(points) > alpha_side)
    last = int(accepted[-1]) if len(accepted) else 0
    return (float(points[last]), float(points[last + 1])) if last < len(points) - 1 else None


def _cut(p_values: PValues, alpha_side: float, around: tuple[float, float]) -> float:
    """The accepted end of a bracket that is cut into sections again and again."""
    for _ in range(_ROUNDS):
        around = _last_accepted(p_values, alpha_side, np.linspace(*around, _SECTIONS)) or around
    return around[0]


def _crossing(p_values: PValues, alpha_side: float, around: tuple[float, float]) -> float:
    """Where the p-value falls to `alpha_side`; the accepted end where it does not exceed that even there."""
    accepted, rejected = around

    def excess(threshold: float) -> float:
        return float(p_values(np.asarray(threshold))) - alpha_side

    if excess(accepted) <= 0:
        return accepted
    return float(brentq(excess, *around, xtol=_PRECISION * abs(rejected - accepted), rtol=_LEAST_RTOL))

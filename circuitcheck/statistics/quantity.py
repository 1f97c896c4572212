"""Which test a sample gets, and what a ratio needs on top: a denominator that is above zero."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from circuitcheck.statistics.bounded import BoundedTest
from circuitcheck.statistics.mean import MeanTest
from circuitcheck.statistics.onesided import REACH, OneSidedTest
from circuitcheck.statistics.rates import RateTest
from circuitcheck.statistics.sample import Floats, Sample

_WITHIN = 2.0 ** (np.arange(4) / 4)
"""Grid points per doubling."""
_NEAR = np.arange(1, 129) / 8
"""Grid points near the centre, in its steps: p-values of few prompts have peaks one step wide there."""
_FINE = np.union1d(np.outer(REACH, _WITHIN), _NEAR)


def suited_test(sample: Sample) -> OneSidedTest:
    """The test of a sample: rates exactly, tied values by their range, other means by their variance."""
    test = _ungated(sample)
    denominator = sample.as_denominator()
    return test if denominator is None else RatioTest(test, _ungated(denominator))


def is_exact(sample: Sample) -> bool:
    """Whether the test of a sample needs no degrees of freedom."""
    return sample.rate or sample.method == "bounded" or sample.is_tied


def _ungated(sample: Sample) -> OneSidedTest:
    if sample.rate:
        return RateTest(sample)
    return BoundedTest(sample) if is_exact(sample) else MeanTest(sample)


class RatioTest:
    """A test of mean(N - t D), which says that N / D is above t only while D is above zero.

    Its p-value is the largest of three: that of the mean at t; that of "D is above zero", so that no level
    is passed without it, Holm's included; and those of the mean at thresholds on a grid beyond t, since
    who claims "above t" claims every lower threshold as well. The last makes it monotone in t, but for
    ripples within a cell of the grid (below 0.001 where p < 1/2), and so interval and verdict agree.
    """

    def __init__(self, mean: OneSidedTest, denominator: OneSidedTest) -> None:
        self.mean = mean
        self.denominator = denominator
        self.jumps = mean.jumps
        self.centre = mean.centre
        self.step = mean.step
        reach = self.step * (
            _FINE if isinstance(mean, MeanTest) else REACH
        )  # the bounded test takes its time
        self._grid = np.concatenate([self.centre - reach[::-1], [self.centre], self.centre + reach])
        gate = self.p_denominator_above_zero
        self._above = np.maximum.accumulate(np.maximum(mean.p_above(self._grid), gate))
        self._below = np.maximum.accumulate(np.maximum(mean.p_below(self._grid), gate)[::-1])[::-1]

    @cached_property
    def p_denominator_above_zero(self) -> float:
        """One-sided p-value of "the denominator is above zero"."""
        return float(self.denominator.p_above(np.zeros(1))[0])

    @cached_property
    def p_denominator_below_zero(self) -> float:
        """One-sided p-value of "the denominator is below zero"."""
        return float(self.denominator.p_below(np.zeros(1))[0])

    def p_above(self, thresholds: Floats) -> Floats:
        """One-sided p-values of "the ratio is above t"."""
        lower = np.searchsorted(self._grid, thresholds, side="right") - 1
        return np.maximum(self.mean.p_above(thresholds), self._above[np.maximum(lower, 0)])

    def p_below(self, thresholds: Floats) -> Floats:
        """One-sided p-values of "the ratio is below t"."""
        higher = np.searchsorted(self._grid, thresholds, side="left")
        return np.maximum(self.mean.p_below(thresholds), self._below[np.minimum(higher, len(self._grid) - 1)])

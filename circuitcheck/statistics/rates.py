"""Shares of prompts, by the exact binomial; its interval is that of Clopper and Pearson (1934)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import bdtr, bdtrc, betaincinv

from circuitcheck.statistics.inversion import Interval
from circuitcheck.statistics.sample import Floats, Sample

_ROUNDING = 1e-9


def share_limits(ones: int, n: int, alpha_side: float) -> Interval:
    """The shares that `ones` of `n` independent draws do not rule out, by Clopper and Pearson (1934).

    Each end errs at most `alpha_side` of the time. `n` is at least 1.
    """
    low = 0.0 if ones == 0 else float(betaincinv(ones, n - ones + 1, alpha_side))
    high = 1.0 if ones == n else float(betaincinv(ones + 1, n - ones, 1 - alpha_side))
    return Interval(low, high)


class RateTest:
    """Binomial tails of the number of ones, pooled over strata of equal weight.

    Strata whose rates differ make it conservative (Hoeffding 1956). Strata of unequal counts count as if
    each had as many prompts as the smallest, rounded against the claim on either side.
    """

    jumps = False

    def __init__(self, sample: Sample) -> None:
        self._n = int(sample.counts.min()) * len(sample.counts)
        ones = self._n * sample.estimate
        self._at_least = math.floor(ones + _ROUNDING)
        self._at_most = math.ceil(ones - _ROUNDING)
        self.centre = sample.estimate
        self.step = 1 / self._n

    def p_above(self, thresholds: Floats) -> Floats:
        """One-sided p-values of "the rate is above t". A rate is above any t below 0."""
        tails = np.asarray(
            bdtrc(self._at_least - 1, self._n, np.clip(thresholds, 0.0, 1.0)), dtype=np.float64
        )
        return np.where(thresholds < 0, 0.0, np.where(thresholds > 1, 1.0, tails))

    def p_below(self, thresholds: Floats) -> Floats:
        """One-sided p-values of "the rate is below t". A rate is below any t above 1."""
        tails = np.asarray(bdtr(self._at_most, self._n, np.clip(thresholds, 0.0, 1.0)), dtype=np.float64)
        return np.where(thresholds < 0, 1.0, np.where(thresholds > 1, 0.0, tails))

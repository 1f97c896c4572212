"""Means of unbounded numbers: Student's test, and Hall's where skewness makes Student's too bold."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtr

from circuitcheck.statistics.moments import moments
from circuitcheck.statistics.sample import Floats, Sample

COMMON = 0.95
"""Prompts that all say the same prove only that this share of prompts does."""


class MeanTest:
    """The larger p-value of Student's t and Hall's skewness-corrected t, on stratified moments.

    Hall's transformation is monotone in T: Hall 1992, "On the removal of skewness by transformation",
    J. R. Statist. Soc. B 54. A sample without variance proves no more
    than `COMMON ** n` allows.
    """

    jumps = False

    def __init__(self, sample: Sample) -> None:
        self._moments = moments(sample)
        self._least_p = COMMON**sample.n if self._moments.is_flat else 0.0
        divisor = abs(sample.denominator_mean)
        self.centre = sample.estimate if divisor > 0 else 0.0
        variance = self._moments.at(np.array([self.centre]))[1][0]
        self.step = math.sqrt(variance) / divisor if divisor > 0 else 1.0

    @property
    def is_flat(self) -> bool:
        """Whether the prompts all say the same, up to float noise."""
        return self._moments.is_flat

    @property
    def df(self) -> float:
        """Degrees of freedom at the estimate."""
        return float(self._moments.at(np.array([self.centre]))[2][0])

    def p_above(self, thresholds: Floats) -> Floats:
        """One-sided p-values of "the quantity is above t"."""
        student, hall, df = self._statistics(thresholds)
        return self._guarded(stdtr(df, -np.minimum(student, hall)))

    def p_below(self, thresholds: Floats) -> Floats:
        """One-sided p-values of "the quantity is below t"."""
        student, hall, df = self._statistics(thresholds)
        return self._guarded(stdtr(df, np.maximum(student, hall)))

    def _statistics(self, thresholds: Floats) -> tuple[Floats, Floats, Floats]:
        mean, variance, df, skewness = self._moments.at(thresholds)
        student = mean / np.sqrt(variance)
        hall = student + skewness * student**2 / 3 + skewness**2 * student**3 / 27 + skewness / 6
        return student, hall, df

    def _guarded(self, p_values: Floats) -> Floats:
        return np.maximum(p_values, self._least_p)

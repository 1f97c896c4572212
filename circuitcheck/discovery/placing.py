"""Where to put a threshold, so that a fresh check of the whole file finds what was found here.

In: what one claim measured on the prompts of the second part. Out: an expectation. A threshold lies inside the estimate by
as many standard errors as the test needs at the file's last look, corrected for all its claims, plus as many as both
estimates (this one, and the fresh one) may err in one of a hundred files; then it is rounded outward.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from circuitcheck.statistics import Looks, Sample, share_limits
from circuitcheck.verdict import PartNumbers, Verdict

PASSES = 0.99
"""Chance that a fresh check finds every claim of a true file supported."""
LEAST_DROP = 0.02
"""A smaller share of the metric is not worth a claim."""


@dataclass(frozen=True)
class Margin:
    """How sure a file of so many claims has to be.

    `claims` are those that share the error, `parts` the expectations and slices that all have to hold; `n` prompts are
    evaluated afresh, `n_here` were measured for the thresholds, in `strata` (template, order) cells.
    """

    claims: int
    parts: int
    n: int
    n_here: int
    strata: int
    confidence: float = 0.95

    @property
    def level(self) -> float:
        """Error of one side for one claim at the last look, all claims corrected as Holm corrects the first."""
        return (1 - self.confidence) / 2 * Looks.of(self.n, self.strata).looks[-1].weight / self.claims

    @property
    def miss(self) -> float:
        """Chance that one part may fail to be found."""
        return (1 - PASSES) / self.parts

    @property
    def standard_errors(self) -> float:
        """How many standard errors of a fresh estimate a threshold lies inside this one."""
        needed = float(stats.norm.isf(self.level))
        return needed + float(stats.norm.isf(self.miss)) * math.sqrt(1 + self.n / self.n_here)


@dataclass(frozen=True)
class Measured:
    """One expectation of a claim on the prompts of the second part, slice by slice."""

    quantity: str
    estimates: tuple[float, ...]
    errors: tuple[float, ...]
    """Standard errors that a fresh check's estimates will have."""

    @property
    def size(self) -> float:
        """The mean of the slices."""
        return float(np.mean(self.estimates))

    @property
    def text(self) -> str:
        """Each slice's estimate and the standard error that a fresh check will have."""
        pairs = zip(self.estimates, self.errors, strict=True)
        return ", ".join(f"{estimate:.3f} +- {error:.3f}" for estimate, error in pairs)

    @classmethod
    def of(cls, verdict: Verdict, quantity: str, n: int) -> Measured:
        """What a claim whose thresholds are open measured; `n` prompts will be evaluated afresh."""
        strata = _strata(verdict)
        parts = [
            (part.estimate, numbers)
            for part, numbers in zip(verdict.parts, verdict.numbers, strict=True)
            if part.quantity == quantity and part.estimate is not None
        ]
        samples = [_sample(numbers, strata) for _, numbers in parts]
        errors = tuple(_spread(sample) / math.sqrt(n * sample.n / len(strata)) for sample in samples)
        return cls(quantity, tuple(float(estimate) for estimate, _ in parts), errors)

    def at_least(self, margin: Margin) -> float:
        """A value that every slice will be above."""
        lowest = min(self._inside(margin, -1))
        return _rounded(lowest, self._step(margin), up=False)

    def at_most(self, margin: Margin) -> float:
        """A value that every slice will be below."""
        return _rounded(max(self._inside(margin, 1)), self._step(margin), up=True)

    def _inside(self, margin: Margin, sign: int) -> list[float]:
        width = sign * margin.standard_errors
        return [value + width * error for value, error in zip(self.estimates, self.errors, strict=True)]

    def _step(self, margin: Margin) -> float:
        """Thresholds are written in steps of a power of ten that costs at most a fifth of the margin, or 0.01."""
        width = margin.standard_errors * max(self.errors)
        return float(max(10.0 ** math.floor(math.log10(max(width, 1e-9) / 2)), 0.01))


def rate_at_least(hits: int, margin: Margin) -> float:
    """What a share of prompts can be claimed to reach, by exact binomial limits, rounded down to whole percents."""
    lower = 0.0 if hits == 0 else float(stats.beta.ppf(margin.miss, hits, margin.n_here - hits + 1))
    fresh = int(stats.binom.ppf(margin.miss, margin.n, lower))
    claimed = share_limits(fresh, margin.n, margin.level).low
    return _rounded(claimed, 0.01, up=False)


def _strata(verdict: Verdict) -> NDArray[np.intp]:
    """The number of each prompt's (template, order) cell."""
    assert verdict.prompts is not None, "the claim was measured on prompts"
    names = [" ".join(cell) for cell in verdict.prompts.cells]
    return np.unique(names, return_inverse=True)[1]


def _sample(numbers: PartNumbers, strata: NDArray[np.intp]) -> Sample:
    rows = np.array(numbers.rows)
    denominator = None if numbers.denominator is None else np.array(numbers.denominator)
    return Sample(np.array(numbers.numerator), denominator, strata[rows])


def _spread(sample: Sample) -> float:
    """Standard deviation within strata of (N - q D) / mean D, the linear part of q = mean N / mean D."""
    parts = (sample.numerator - sample.estimate * sample.divisor) / sample.denominator_mean
    variances = [parts[sample.strata == stratum].var(ddof=1) for stratum in np.unique(sample.strata)]
    return float(np.sqrt(np.mean(variances)))


def _rounded(value: float, step: float, *, up: bool) -> float:
    whole = math.ceil(value / step - 1e-9) if up else math.floor(value / step + 1e-9)
    return round(whole * step, 6)


def parts_of(verdicts: Sequence[Verdict]) -> int:
    """How many expectations and slices all have to hold."""
    return sum(len(verdict.parts) for verdict in verdicts)

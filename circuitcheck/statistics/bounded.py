"""Means of numbers that cannot leave a known range, tested without trusting their variance."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from circuitcheck.statistics.sample import Floats, Sample

DRAWS = 10_000
_ROUNDING = 1e-6


class BoundedTest:
    """The test of Learned-Miller and Thomas, by Monte Carlo with a generator fixed by n.

    "A new confidence interval for the mean of a bounded random variable", arXiv:1905.06208, 2019.

    For two values it is the exact binomial test; in general no counterexample is known, and no proof.
    No p-value is below 1 / (DRAWS + 1). Strata of unequal counts give their first prompts, as many as
    the smallest has, since the test knows no weights.
    """

    jumps = True

    def __init__(self, sample: Sample) -> None:
        if sample.limits is None or (sample.denominator is not None and sample.denominator_limits is None):
            message = "the bounded test needs the limits of the values, and of their denominator if any."
            raise ValueError(message)
        rows = _balanced(sample)
        self._limits = sample.limits
        self._divisor_limits = sample.denominator_limits if sample.denominator is not None else (1.0, 1.0)
        self._numerator = np.clip(sample.numerator[rows], *sample.limits)
        self._divisor = sample.divisor[rows]
        self._is_ratio = sample.denominator is not None
        mean = float(self._divisor.mean())
        low, high = sample.limits
        self.centre = float(self._numerator.mean()) / mean if mean != 0 else 0.0
        self.step = (high - low) / len(rows) / (abs(mean) or 1.0)
        self._slack = _ROUNDING * (high - low)
        if not self._is_ratio:
            self._lower = np.sort(-_upper_ends(-self._numerator[:, None], np.array([-low]))[:, 0])
            self._upper = np.sort(_upper_ends(self._numerator[:, None], np.array([high]))[:, 0])

    def p_above(self, thresholds: Floats) -> Floats:
        """One-sided p-values of "the mean is above t"."""
        if not self._is_ratio:
            return _p_value(np.searchsorted(self._lower, thresholds + self._slack, side="right"))
        y, low, _ = self._differences(thresholds)
        return _p_value((_upper_ends(-y, -low) >= -self._slack).sum(axis=0))

    def p_below(self, thresholds: Floats) -> Floats:
        """One-sided p-values of "the mean is below t"."""
        if not self._is_ratio:
            return _p_value(DRAWS - np.searchsorted(self._upper, thresholds - self._slack, side="left"))
        y, _, high = self._differences(thresholds)
        return _p_value((_upper_ends(y, high) >= -self._slack).sum(axis=0))

    def _differences(self, thresholds: Floats) -> tuple[Floats, Floats, Floats]:
        """N - t D per prompt and t, shape (n, k), and the range it cannot leave at each t."""
        corners = np.multiply.outer(np.asarray(self._divisor_limits), thresholds)
        y = self._numerator[:, None] - self._divisor[:, None] * thresholds
        return y, self._limits[0] - corners.max(axis=0), self._limits[1] - corners.min(axis=0)


def _balanced(sample: Sample) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    least = int(sample.counts.min())
    return np.concatenate(
        [np.flatnonzero(sample.cells == cell)[:least] for cell in range(len(sample.counts))]
    )


def _upper_ends(values: Floats, top: Floats) -> Floats:
    """Draws of the upper end of the mean, shape (DRAWS, k).

    Each is the largest mean of a distribution below `top` that puts the sorted values at probabilities
    drawn as sorted uniforms. Values have shape (n, k), none above the top of its column, shape (k,).
    """
    gaps = np.diff(np.sort(values, axis=0), axis=0, append=top[None, :])
    return top - _order_statistics(len(values)) @ gaps.astype(np.float32)


@lru_cache(maxsize=6)
def _order_statistics(n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Sorted uniform samples, shape (DRAWS, n); 4 * DRAWS * n bytes each, kept for a few n."""
    return np.sort(np.random.default_rng(n).random((DRAWS, n), dtype=np.float32), axis=1)


def _p_value(exceedances: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Floats:
    return (1 + exceedances) / (DRAWS + 1)

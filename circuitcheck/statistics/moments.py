"""Stratified moments of mean(N) - t mean(D) as polynomials in t, so that trying a t costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from circuitcheck.statistics.sample import FLAT, Floats, Sample

_LEAST_SIZE = 1e-30
"""Stands for the size of values that are all exactly zero, so that their variance has a floor too."""

Polynomial = tuple[float, ...]
"""Coefficients, lowest power first."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of the mean of y = N - t D over equal-weight strata.

    The polynomials are in u = t - pivot, lowest power first. The pivot is the t at which y varies least,
    so that nothing cancels near it. With S strata of n_g prompts and within-stratum deviations e of
    N - pivot D and d of D, for unequal counts:

        variance      sum_g s_g^2 / n_g / S^2
        df            (sum_g s_g^2 / n_g)^2 / sum_g (s_g^2 / n_g)^2 / (n_g - 1)     (Satterthwaite)
        third moment  sum_g m3_g / n_g^2 / S^3,  m3_g = sum (e - u d)^3 n_g / ((n_g - 1) (n_g - 2))

    A stratum of two prompts says nothing about skewness and adds none.

    Attributes:
        floor: Variance of the mean that float noise alone can give; smaller variances count as this.
        is_flat: y is constant within every stratum at the pivot, up to float noise.
    """

    pivot: float
    mean: Polynomial
    variance: Polynomial
    df_terms: Polynomial
    third: Polynomial
    floor: float
    is_flat: bool
    least_df: float
    most_df: float

    def at(self, thresholds: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Mean, variance of the mean, degrees of freedom and skewness of the mean, at each t."""
        u = thresholds - self.pivot
        raw_variance = np.maximum(_value(self.variance, u), 0.0)
        terms = _value(self.df_terms, u)
        known = terms > 0
        df = np.where(known, raw_variance**2 / np.where(known, terms, 1.0), self.most_df)
        df = np.minimum(np.maximum(df, self.least_df), self.most_df)
        variance = np.maximum(raw_variance, self.floor)
        skewness = _value(self.third, u) / variance**1.5
        return _value(self.mean, u), variance, df, skewness


@lru_cache(maxsize=16)
def moments(sample: Sample) -> Moments:
    """Moments of a sample; every stratum needs at least two prompts.

    The last few samples are remembered: one verdict asks for the same moments several times.
    """
    numerator, divisor, n = sample.numerator, sample.divisor, sample.n
    counts = sample.counts.astype(np.float64)
    strata = len(counts)
    share = 1 / (counts * (counts - 1)) / strata**2
    third_share = np.divide(1, counts * (counts - 1) * (counts - 2), where=counts > 2, out=np.zeros(strata))

    d, e = np.stack([divisor, numerator]) - (_sums(sample, divisor, numerator) / counts)[:, sample.cells]
    spread, shared = map(float, _sums(sample, d * d, e * d) @ share)
    pivot = shared / spread if np.sqrt(n * spread) > FLAT * np.abs(divisor).max() else 0.0
    e = e - pivot * d

    size = max(np.abs(numerator).max(), np.abs(pivot * divisor).max(), sample.magnitude, _LEAST_SIZE)
    floor = (FLAT * size) ** 2 / n
    ee, ed, dd = e * e, e * d, d * d
    sums = _sums(sample, ee, ed, dd, ee * e, -3 * ee * d, 3 * dd * e, -dd * d)
    a, b, c = sums[:3] * share
    df_terms = np.stack([a * a, -4 * a * b, 4 * b * b + 2 * a * c, -4 * b * c, c * c]) / (counts - 1)
    return Moments(
        pivot=pivot,
        mean=(sample.mean_of(numerator - pivot * divisor), -sample.denominator_mean),
        variance=(float(a.sum()), float(-2 * b.sum()), float(c.sum())),
        df_terms=tuple(df_terms.sum(axis=1).tolist()),
        third=tuple((sums[3:] @ third_share / strata**3).tolist()),
        floor=floor,
        is_flat=bool(a.sum() <= floor),
        least_df=float(counts.min() - 1),
        most_df=float(n - strata),
    )


def _sums(sample: Sample, *rows: Floats) -> Floats:
    """Of each row of numbers per prompt the sum in each stratum, shape (rows, S)."""
    strata = len(sample.counts)
    places = sample.cells + strata * np.arange(len(rows))[:, None]
    sums = np.bincount(places.ravel(), np.concatenate(rows), strata * len(rows)).astype(np.float64)
    return sums.reshape(len(rows), strata)


def _value(polynomial: Polynomial, u: Floats) -> Floats:
    """The polynomial at each u, by Horner's rule."""
    *lower, highest = polynomial
    value = highest * u + lower.pop()
    for coefficient in reversed(lower):
        value = value * u + coefficient
    return value

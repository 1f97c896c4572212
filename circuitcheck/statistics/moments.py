"""Stratified moments of mean(N) - t mean(D) as polynomials in t, so that trying a t costs nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.polynomial import polyval

from circuitcheck.statistics.sample import FLAT, Floats, Sample

_LEAST_SIZE = 1e-30
"""Stands for the size of values that are all exactly zero, so that their variance has a floor too."""


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
    mean: Floats
    variance: Floats
    df_terms: Floats
    third: Floats
    floor: float
    is_flat: bool
    least_df: float
    most_df: float

    def at(self, thresholds: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Mean, variance of the mean, degrees of freedom and skewness of the mean, at each t."""
        u = thresholds - self.pivot
        raw_variance = np.maximum(polyval(u, self.variance), 0.0)
        terms = polyval(u, self.df_terms)
        df: Floats = np.full_like(u, self.most_df)
        np.divide(raw_variance**2, terms, out=df, where=terms > 0)
        variance = np.maximum(raw_variance, self.floor).astype(np.float64)
        mean = polyval(u, self.mean).astype(np.float64)
        skewness: Floats = polyval(u, self.third) / variance**1.5
        return mean, variance, np.clip(df, self.least_df, self.most_df), skewness


def moments(sample: Sample) -> Moments:
    """Moments of a sample; every stratum needs at least two prompts."""
    numerator, divisor, n = sample.numerator, sample.divisor, sample.n
    counts = sample.counts.astype(np.float64)
    strata = len(counts)

    def per_stratum(values: Floats) -> Floats:
        return np.bincount(sample.cells, weights=values).astype(np.float64)

    def centred(values: Floats) -> Floats:
        return values - (per_stratum(values) / counts)[sample.cells]

    d = centred(divisor)
    e = centred(numerator)
    share = 1 / (counts * (counts - 1)) / strata**2
    spread = float(per_stratum(d * d) @ share)
    pivot = 0.0
    if np.sqrt(n * spread) > FLAT * np.abs(divisor).max():
        pivot = float(per_stratum(e * d) @ share) / spread
    e -= pivot * d

    size = max(np.abs(numerator).max(), np.abs(pivot * divisor).max(), sample.magnitude, _LEAST_SIZE)
    floor = (FLAT * size) ** 2 / n
    a, b, c = (per_stratum(product) * share for product in (e * e, e * d, d * d))
    third_share = np.divide(1, counts * (counts - 1) * (counts - 2), where=counts > 2, out=np.zeros(strata))
    cubes = (e**3, -3 * e * e * d, 3 * e * d * d, -(d**3))
    df_terms = (a * a, -4 * a * b, 4 * b * b + 2 * a * c, -4 * b * c, c * c)
    return Moments(
        pivot=pivot,
        mean=np.array([sample.mean_of(numerator - pivot * divisor), -sample.denominator_mean]),
        variance=np.array([a.sum(), -2 * b.sum(), c.sum()]),
        df_terms=np.array([np.sum(term / (counts - 1)) for term in df_terms]),
        third=np.array([per_stratum(cube) @ third_share for cube in cubes]) / strata**3,
        floor=floor,
        is_flat=bool(a.sum() <= floor),
        least_df=float(counts.min() - 1),
        most_df=float(n - strata),
    )

"""Samples with a known truth: shapes of per-prompt values, drawn in eight strata that differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import betaincinv

from circuitcheck.statistics import Sample

STRATA = 8
ALPHA_SIDE = 0.025

Draw = Callable[[np.random.Generator, int], np.ndarray]

SHAPES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "t3": (lambda rng, n: rng.standard_t(3, size=n), 0.0),
    "exponential": (lambda rng, n: rng.exponential(size=n), 1.0),
    "saturated": (lambda rng, n: rng.beta(4, 0.4, size=n), 4 / 4.4),
    "10% rare bad prompts": (lambda rng, n: (rng.random(n) < 0.9) * 1.0, 0.9),
    "3% rare bad prompts": (lambda rng, n: (rng.random(n) < 0.97) * 1.0, 0.97),
}
"""Name -> how to draw n values, and their mean."""


def cells(n: int, strata: int = STRATA) -> np.ndarray:
    """Prompt i lies in stratum i mod S."""
    return np.arange(n) % strata


def plain(values: np.ndarray, strata: int = STRATA, **options) -> Sample:
    """A sample of plain values in balanced strata."""
    return Sample(np.asarray(values, dtype=np.float64), None, cells(len(values), strata), **options)


def ratio(rng: np.random.Generator, n: int, slope: float, denominator_mean: float) -> Sample:
    """N = slope D + noise, D of unit variance: the ratio is `slope` wherever D's mean is not zero."""
    denominator = denominator_mean + rng.normal(size=n)
    return Sample(slope * denominator + 0.6 * rng.normal(size=n), denominator, cells(n))


def lower_bound(errors: int, runs: int) -> float:
    """Exact binomial 95% lower bound of an error rate: above the level only if the excess is real."""
    return float(betaincinv(errors, runs - errors + 1, 0.05)) if errors else 0.0

"""Several claims at once: Holm's step-down correction (Holm 1979, Scand. J. Statist. 6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float], level: float, total: int | None = None) -> NDArray[np.bool_]:
    """Which claims are rejected so that a wrong rejection among all of them has at most chance `level`.

    Args:
        p_values: One p-value per claim that was measured.
        level: Chance of any wrong rejection.
        total: Number of claims in the file; those without a p-value count as p = 1. Default: those given.

    Raises:
        ValueError: More p-values than claims.
    """
    p = np.asarray(p_values, dtype=np.float64)
    m = len(p) if total is None else total
    if m < len(p):
        message = f"{len(p)} p-values were given for {m} claims."
        raise ValueError(message)
    order = np.argsort(p, kind="stable")
    steps = p[order] <= level / (m - np.arange(len(p)))
    rejected = np.zeros(len(p), dtype=np.bool_)
    rejected[order] = np.logical_and.accumulate(steps)
    return rejected

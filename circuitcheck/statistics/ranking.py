"""How well one number tells clean prompts from corrupt ones, as a mean over prompt pairs."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from circuitcheck.statistics.sample import Floats, Sample

PSEUDO_VALUE_LIMITS = (-1.0, 2.0)


def auroc(clean: Floats, corrupt: Floats) -> tuple[float, Floats]:
    """Area under the ROC curve of clean against corrupt, and one pseudo-value per prompt pair, shape (n,).

    The area is the share of (clean, corrupt) pairs in which clean is larger, ties counting half. With the
    structural components V10_i (share of corrupt values below clean value i) and V01_i (share of clean
    values above corrupt value i) of DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, the pseudo-value
    of prompt i is V10_i + V01_i - area. Their mean is the area, and the variance of their mean is DeLong's
    variance for values paired by prompt: var(V10) / n + var(V01) / n + 2 cov(V10, V01) / n.

    Raises:
        ValueError: The two sides differ in shape or are not finite.
    """
    if clean.shape != corrupt.shape or clean.ndim != 1 or len(clean) == 0:
        message = f"auroc needs one clean and one corrupt number per prompt, not shapes {clean.shape} and {corrupt.shape}."
        raise ValueError(message)
    if not (np.isfinite(clean).all() and np.isfinite(corrupt).all()):
        message = "auroc cannot rank values that are not finite."
        raise ValueError(message)
    n = len(clean)
    pooled = rankdata(np.concatenate([clean, corrupt]))
    below_clean = (pooled[:n] - rankdata(clean)) / n
    above_corrupt = 1 - (pooled[n:] - rankdata(corrupt)) / n
    area = float(below_clean.mean())
    return area, below_clean + above_corrupt - area


def auroc_sample(clean: Floats, corrupt: Floats, strata: np.ndarray) -> Sample:
    """The pseudo-values as a sample; a separation without exception is then tested by its range."""
    return Sample(auroc(clean, corrupt)[1], None, strata, PSEUDO_VALUE_LIMITS)

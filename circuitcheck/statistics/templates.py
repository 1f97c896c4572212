"""The other population: not the prompts of these templates, but templates like these.

In: a sample of prompts and the template of each. Out: a sample of template means, whose test has one degree of
freedom fewer than templates. Prompts add nothing to it beyond steadier means: only more templates do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitcheck.statistics.sample import Floats, Sample

LEAST_TEMPLATES = 6
"""Below these, skewed template means err more often than they may, even by Hall's test."""
_SHARE = (0.0, 1.0)


def over_templates(sample: Sample, templates: NDArray[Any]) -> Sample:
    """The sample of template means, for a verdict about templates like these.

    A template's mean is the mean of its strata's means, numerator and denominator each, so that its orders weigh
    the same. In a balanced design Student's test of these means is the cluster-robust one (CR2) with Satterthwaite's
    degrees of freedom.

    Args:
        sample: Numbers per prompt, whose strata lie within templates.
        templates: A label per prompt, shape (n,).

    Raises:
        ValueError: labels of another shape, or a stratum with prompts of two templates.
    """
    if templates.shape != sample.numerator.shape:
        message = f"the templates have shape {templates.shape}, the numerator {sample.numerator.shape}."
        raise ValueError(message)
    _, own = np.unique(templates, return_inverse=True)
    of_cell = np.zeros(len(sample.counts), dtype=np.intp)
    of_cell[sample.cells] = own
    if (of_cell[sample.cells] != own).any():
        message = "a stratum has prompts of more than one template; strata are parts of templates."
        raise ValueError(message)

    def means(values: Floats) -> Floats:
        cell_means = np.bincount(sample.cells, weights=values) / sample.counts
        return np.asarray(np.bincount(of_cell, weights=cell_means) / np.bincount(of_cell), dtype=np.float64)

    numerator = means(sample.numerator)
    return Sample(
        numerator,
        None if sample.denominator is None else means(sample.denominator),
        np.zeros(len(numerator), dtype=np.int_),
        _SHARE if sample.rate else sample.limits,
        method=sample.method,
        denominator_limits=sample.denominator_limits,
        magnitude=sample.magnitude,
        unit="templates",
    )


def why_too_few_templates(sample: Sample) -> str | None:
    """Why these template means cannot be judged; None if they can."""
    if sample.n >= LEAST_TEMPLATES:
        return None
    return (
        f"too few templates: {sample.n}, and nothing is said of templates like these below {LEAST_TEMPLATES}"
    )

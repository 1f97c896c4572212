"""Whether two scores of the same prompts depend on each other beyond what the templates share.

In: two numbers per prompt and the template of each. Out: a permutation p-value by the Hilbert-Schmidt criterion, and
an interval of the rank correlation. Dependence can be shown; independence cannot. What can be shown in its stead is
that no monotone dependence beyond a margin is left, while the criterion saw no other: `Independence.wording` says
just that. Shi et al. 2024, "Hypothesis Testing the Circuit Hypothesis in LLMs", test a circuit's complement so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from circuitcheck.statistics.decision import Tails
from circuitcheck.statistics.inversion import Interval
from circuitcheck.statistics.sample import Floats

MARGIN = 0.3
"""Rank correlations within this are called small."""
LEAST_PERMUTATIONS = 999
LEAST_DF = 8
_EQUAL = 1e-12
_SPEARMAN = 1.03
"""Standard error of Fisher's z of a rank correlation, times sqrt(n - 3): the square root of 1.06 (Fieller, Hartley
and Pearson 1957, "Tests for rank correlation coefficients. I", Biometrika 44)."""


@dataclass(frozen=True)
class Independence:
    """What two scores say of each other.

    Attributes:
        p_dependent: Permutation p-value of "they depend on each other"; 1 where that cannot be asked.
        correlation: Rank correlation within templates; None where a side does not vary.
        error: Standard error of its Fisher transform.
        margin: What is called small.
        reason: Why nothing can be said; None if something can.
    """

    p_dependent: float
    correlation: float | None
    error: float
    margin: float
    reason: str | None = None

    def tails(self, alpha_side: float) -> Tails:
        """p-values of "independent, as far as this can tell" and of "dependent".

        The first is 1 as soon as dependence is shown at `alpha_side`, the level of one side.
        """
        if self.correlation is None or self.p_dependent <= alpha_side:
            return Tails(1.0, self.p_dependent)
        centre, edge = math.atanh(self.correlation), math.atanh(self.margin)
        outside = float(ndtr((abs(centre) - edge) / self.error))
        return Tails(outside, self.p_dependent)

    def interval(self, alpha_side: float) -> Interval | None:
        """The rank correlations that are not ruled out, by Fisher's transform."""
        if self.correlation is None:
            return None
        centre, reach = math.atanh(self.correlation), float(ndtri(1 - alpha_side)) * self.error
        return Interval(math.tanh(centre - reach), math.tanh(centre + reach))

    @property
    def wording(self) -> str:
        """What support of "independent" means."""
        return (
            f"within templates the rank correlation is within {self.margin:g} of zero, "
            "and the kernel test saw no other dependence"
        )


def independence_of(
    first: Floats,
    second: Floats,
    templates: NDArray[Any],
    rng: np.random.Generator,
    *,
    permutations: int = LEAST_PERMUTATIONS,
    margin: float = MARGIN,
) -> Independence:
    """Compare two scores per prompt, shape (n,) each, within templates.

    Raises:
        ValueError: shapes that differ, or a score that is not finite.
    """
    if not first.shape == second.shape == templates.shape or first.ndim != 1:
        message = f"shapes {first.shape}, {second.shape} and {templates.shape} differ."
        raise ValueError(message)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        message = "scores that are not finite cannot be compared."
        raise ValueError(message)
    cells = np.unique(templates, return_inverse=True)[1]
    df = len(first) - int(cells.max(initial=-1)) - 3
    if df < LEAST_DF:
        reason = (
            f"too few prompts: {max(df, 0)} degrees of freedom within templates, and {LEAST_DF} are needed"
        )
        return Independence(1.0, None, math.inf, margin, reason)
    correlation = rank_correlation(first, second, cells)
    if correlation is None:
        reason = "a score that is the same on every prompt of a template is no evidence of independence"
        return Independence(1.0, None, math.inf, margin, reason)
    p_value = permutation_p(first, second, cells, rng, permutations)
    return Independence(p_value, correlation, _SPEARMAN / math.sqrt(df), margin)


def permutations_for(claims: int, alpha: float) -> int:
    """Permutations that let a p-value pass Holm's first step among so many claims."""
    return max(LEAST_PERMUTATIONS, math.ceil(20 * claims / alpha) - 1)


def rank_correlation(first: Floats, second: Floats, cells: NDArray[np.intp]) -> float | None:
    """Spearman's correlation of ranks taken over all prompts and centred in each cell; None where one is constant.

    Kept short of 1, so that Fisher's transform has an end.
    """
    ranks = []
    for scores in (first, second):
        rank = rankdata(scores)
        centred = rank - (np.bincount(cells, weights=rank) / np.bincount(cells))[cells]
        if not np.abs(centred).max() > _EQUAL * len(rank):
            return None
        ranks.append(centred / np.linalg.norm(centred))
    most = 1 - 1e-9
    return float(np.clip(ranks[0] @ ranks[1], -most, most))


def permutation_p(
    first: Floats, second: Floats, cells: NDArray[np.intp], rng: np.random.Generator, permutations: int
) -> float:
    """p-value of dependence by the Hilbert-Schmidt criterion tr(K H L H) / (n - 1)^2 with Gaussian kernels.

    Gretton et al. 2007, "A Kernel Statistical Test of Independence", for the criterion. The second score is permuted
    within cells only: what templates do to both scores is no dependence between them. The observed order counts as
    one of the permutations, so that the p-value is never 0.
    """
    centred, kernel = _centred(_kernel(first)), _kernel(second)
    observed = float(np.vdot(centred, kernel))
    slack = _EQUAL * max(1.0, abs(observed))
    rows = [np.flatnonzero(cells == cell) for cell in range(int(cells.max()) + 1)]
    order = np.arange(len(first))
    as_large = 0
    for _ in range(permutations):
        for own in rows:
            order[own] = rng.permutation(own)
        as_large += int(np.vdot(centred, kernel[np.ix_(order, order)]) >= observed - slack)
    return (1 + as_large) / (1 + permutations)


def _kernel(scores: Floats) -> Floats:
    """Gaussian kernel whose width is the median distance of this score's own values."""
    distance = np.abs(scores[:, None] - scores)
    apart = distance[np.triu_indices(len(scores), 1)]
    width = float(np.median(apart))
    if width == 0:
        width = float(apart[apart > 0].mean())  # more than half of the values are equal
    return np.asarray(np.exp(-0.5 * (distance / width) ** 2), dtype=np.float64)


def _centred(kernel: Floats) -> Floats:
    return np.asarray(
        kernel - kernel.mean(axis=0) - kernel.mean(axis=1)[:, None] + kernel.mean(), dtype=np.float64
    )

"""Whether one of two scores tends to be higher, by the signs of paired differences, and whether neither does.

The size of a difference plays no part: a few large ones in one direction pass unseen. Beside it belongs a claim about
their mean. Shi et al. 2024, "Hypothesis Testing the Circuit Hypothesis in LLMs", ask the same of a circuit and its
model; here ties are counted, the level is exact, and equivalence is what has to be shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, binomtest

from circuitcheck.statistics.decision import Tails
from circuitcheck.statistics.sample import Floats

TIED = 1e-6
"""Scores that differ by no more than this share of the larger are equal."""
MARGIN = 0.1
"""How far from one half the chance of being higher may lie where neither score tends to be higher."""


@dataclass(frozen=True)
class Signs:
    """How many prompts score higher on the first side, on the second, and the same on both."""

    wins: int
    losses: int
    ties: int

    @classmethod
    def of(cls, first: Floats, second: Floats) -> Signs:
        """Counts of paired scores, shape (n,) each.

        Raises:
            ValueError: other shapes, no prompt, or a score that is not a number.
        """
        if first.shape != second.shape or first.ndim != 1 or len(first) == 0:
            message = f"signs need two scores per prompt and one prompt, not shapes {first.shape} and {second.shape}."
            raise ValueError(message)
        if not (np.isfinite(first).all() and np.isfinite(second).all()):
            message = "scores that are not finite have no sign."
            raise ValueError(message)
        difference = first - second
        tied = np.abs(difference) <= TIED * np.maximum(np.abs(first), np.abs(second))
        wins = int(((difference > 0) & ~tied).sum())
        ties = int(tied.sum())
        return cls(wins, len(first) - wins - ties, ties)

    @property
    def n(self) -> int:
        """Number of prompts."""
        return self.wins + self.losses + self.ties

    @property
    def share(self) -> float:
        """Share of prompts that score higher on the first side, ties counting half; 1/2 where neither tends to."""
        return (self.wins + self.ties / 2) / self.n


def equivalence(signs: Signs, margin: float = MARGIN) -> Tails:
    """p-values of "the chance of a higher score, ties counting half, is within `margin` of 1/2", and of its opposite.

    Two one-sided binomial tests of c = wins + ties / 2, rounded against the claim. Ties make c vary less than a
    binomial, so the level holds whatever their rate. Ties alone show as much as they can: that a share
    1 - 2 margin of prompts ties, beyond which no sign can tilt the chance so far.

    Raises:
        ValueError: a margin outside of 0 to 1/2.
    """
    if not 0 < margin < 0.5:
        message = f"the margin is {margin}; it lies between 0 and 0.5."
        raise ValueError(message)
    n, low, high = signs.n, 0.5 - margin, 0.5 + margin
    least, most = math.floor(signs.wins + signs.ties / 2), math.ceil(signs.wins + signs.ties / 2)
    above_low, below_high = binom.sf(least - 1, n, low), binom.cdf(most, n, high)
    support = float(max(above_low, below_high))
    if signs.ties == n:
        support = min(support, (1 - 2 * margin) ** n)
    refute = float(min(binom.cdf(most, n, low), binom.sf(least - 1, n, high)))
    return Tails(support, refute)


def sign_test(signs: Signs) -> float:
    """Two-sided p-value of "neither side tends to be higher", ties left out; 1 where there are only ties.

    That it is large shows nothing: for that there is `equivalence`.
    """
    if signs.ties == signs.n:
        return 1.0
    return float(binomtest(signs.wins, signs.wins + signs.losses).pvalue)

"""Two scores of the same prompts as samples: which of them is higher (`Wins`), whether they go together (`Dependence`).

Both ask what Shi et al. 2024, "Hypothesis Testing the Circuit Hypothesis in LLMs", ask of a circuit and its model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from circuitcheck.statistics.decision import LEAST_PROMPTS, Evidence, PeculiarSample
from circuitcheck.statistics.independence import MARGIN, Independence, independence_of
from circuitcheck.statistics.inversion import Interval
from circuitcheck.statistics.rates import share_limits
from circuitcheck.statistics.sample import Floats
from circuitcheck.statistics.sign import TIED, Signs, equivalence
from circuitcheck.thresholds import Threshold


@dataclass(frozen=True, eq=False)
class Wins(PeculiarSample):
    """1 where the first score is higher, 0 where it is lower, 1/2 where they tie; judged by the sign test.

    Its threshold is a range around 1/2, or "?".
    """

    @classmethod
    def of(cls, first: Floats, second: Floats, strata: NDArray[np.int64]) -> Wins:
        """The wins of `first` over `second`, shape (n,) each."""
        difference = first - second
        tied = np.abs(difference) <= TIED * np.maximum(np.abs(first), np.abs(second))
        return cls(np.where(tied, 0.5, difference > 0), None, strata, (0.0, 1.0))

    @property
    def signs(self) -> Signs:
        """The counts."""
        wins, ties = int((self.numerator == 1).sum()), int((self.numerator == 0.5).sum())
        return Signs(wins, self.n - wins - ties, ties)

    def evidence(self, threshold: Threshold, alpha_side: float) -> Evidence:
        """The two one-sided binomial tests of `equivalence`."""
        reason = None
        if self.n < LEAST_PROMPTS:
            reason = f"too few prompts: {self.n}, and nothing is judged below {LEAST_PROMPTS}"
        support = refute = 1.0
        if reason is None and threshold.high is not None:
            support, refute = equivalence(self.signs, threshold.high - 0.5)
        return Evidence(
            support,
            refute,
            self.signs.share,
            None if reason else self._interval(alpha_side),
            self.n,
            reason,
            None,
            threshold.judged,
        )

    def _interval(self, alpha_side: float) -> Interval:
        signs = self.signs
        if signs.ties == signs.n:
            reach = (1 - alpha_side ** (1 / signs.n)) / 2
            return Interval(0.5 - reach, 0.5 + reach)
        higher = signs.wins + signs.ties / 2
        low = share_limits(math.floor(higher), signs.n, alpha_side).low
        return Interval(low, share_limits(math.ceil(higher), signs.n, alpha_side).high)


@dataclass(frozen=True, eq=False)
class Dependence(PeculiarSample):
    """One score per prompt beside another, `other`: whether they are independent within strata.

    The estimate is their rank correlation. `seed` is that of the permutations, `permutations` their number.
    """

    other: Floats = field(default_factory=lambda: np.zeros(0))
    seed: int = 0
    permutations: int = 999

    @property
    def is_mean(self) -> bool:
        """No: a prompt alone has no part in a correlation."""
        return False

    @property
    def estimate(self) -> float:
        """The rank correlation within strata; NaN where a score does not vary."""
        correlation = self._found.correlation
        return math.nan if correlation is None else correlation

    def on(self, rows: NDArray[np.bool_]) -> Dependence:
        """The scores on some of the prompts."""
        return Dependence(
            self.numerator[rows],
            None,
            self.strata[rows],
            other=self.other[rows],
            seed=self.seed,
            permutations=self.permutations,
        )

    def evidence(self, threshold: Threshold, alpha_side: float) -> Evidence:
        """Refuted by the kernel test, supported by the rank correlation if the kernel test saw nothing."""
        margin = MARGIN if threshold.high is None else threshold.high
        found = replace(self._found, margin=margin)
        support, refute = found.tails(alpha_side) if threshold.judged else (1.0, 1.0)
        return Evidence(
            support,
            refute,
            found.correlation,
            found.interval(alpha_side),
            self.n,
            found.reason,
            None,
            threshold.judged,
        )

    @cached_property
    def _found(self) -> Independence:
        generator = np.random.default_rng(self.seed)
        return independence_of(
            self.other, self.numerator, self.strata, generator, permutations=self.permutations
        )

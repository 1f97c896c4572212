"""Looks: the sizes at which a claim is judged on its way to the budget, and what may be believed at each.

In: a budget and the number of strata, both fixed by the file. Out: `Looks`, and per claim the smallest p-values of
all its looks. Valid whatever the dependence between looks, by the union bound: the weights sum to 1
(simulations in STATISTICS 3.1: half of the error for the last look costs least of what needs no joint theory).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from circuitcheck.statistics.decision import Tails

FIRST = 32
"""Prompts of the first look, unless strata need more."""
LEAST_IN_STRATUM = 4
"""Prompts of each stratum at any look."""
LAST_WEIGHT = 0.5
"""Share of the error that is kept for the last look; the earlier ones share the rest."""


@dataclass(frozen=True)
class Look:
    """One look: `n` prompts so far, and the share of the error that it may spend."""

    n: int
    weight: float

    def corrected(self, tails: Tails) -> Tails:
        """p-values at this look as p-values of the whole sequence, capped at 1."""
        return Tails(min(1.0, tails.support / self.weight), min(1.0, tails.refute / self.weight))


@dataclass(frozen=True)
class Looks:
    """All looks of a claim, in order; their number is fixed before anything is measured."""

    looks: tuple[Look, ...]

    @classmethod
    def of(cls, budget: int, strata: int) -> Looks:
        """Looks at 32, 64, 128, ... prompts, and at the budget.

        Each is a multiple of the number of strata, so that all strata weigh the same, and has four prompts of each;
        where that is more than 32, the first look has just these, and looks double from there.
        A look less than half as large again as the one before is left out: it costs error and says little new.

        Args:
            budget: Prompts at most.
            strata: Number of (template, order) cells that the prompts are dealt out to in turn.
        """
        size = _whole(max(FIRST, LEAST_IN_STRATUM * strata), strata)
        sizes = []
        while 2 * size <= budget:
            sizes.append(size)
            size *= 2
        if 3 * size <= 2 * budget:
            sizes.append(size)
        sizes.append(budget)
        return cls(tuple(map(Look, sizes, _weights(len(sizes)))))

    @property
    def budget(self) -> int:
        """Prompts of the last look."""
        return self.looks[-1].n


def smallest(looked: Sequence[Tails]) -> Tails:
    """p-values of a claim after some looks, each corrected already: the smallest of each side."""
    return Tails(min(tails.support for tails in looked), min(tails.refute for tails in looked))


def _whole(size: int, strata: int) -> int:
    return math.ceil(size / strata) * strata


def _weights(number: int) -> list[float]:
    if number == 1:
        return [1.0]
    return [(1 - LAST_WEIGHT) / (number - 1)] * (number - 1) + [LAST_WEIGHT]

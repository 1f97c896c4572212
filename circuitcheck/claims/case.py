"""`Case`: a claim with all that was measured for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from circuitcheck.claims.conditions import Aliases, condition_of
from circuitcheck.engine import Condition, Measurement, MetricName, Request, Shape, Values
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.spec import CircuitSpec, Claim

LEAST_IN_STRATUM = 4
"""Prompts that a stratum needs before its own spread is used."""


@dataclass(frozen=True)
class Case:
    """A claim with all that was measured for it."""

    claim: Claim
    spec: CircuitSpec
    prompts: PromptSet
    measurement: Measurement
    mlp_aliases: Aliases = frozenset()
    shape: Shape | None = None
    elsewhere: Case | None = None
    """What the claim says of other prompts, if anything, as a case of its own."""

    def value(self, request: Request) -> Values:
        """The numbers of one request, shape (n,)."""
        return self.measurement.values[request]

    @property
    def condition(self) -> Condition:
        """The condition that the claim is about."""
        return condition_of(self.claim, self.spec, self.mlp_aliases)

    @property
    def metric(self) -> MetricName:
        """The claim's own metric, else the file's."""
        return self.claim.metric or self.spec.metric

    @cached_property
    def templates(self) -> NDArray[np.int64]:
        """The number of each prompt's template, shape (n,)."""
        numbers = {template: i for i, template in enumerate(sorted({cell[0] for cell in self.prompts.cells}))}
        return np.array([numbers[template] for template, _ in self.prompts.cells], dtype=np.int64)

    @cached_property
    def strata(self) -> NDArray[np.int64]:
        """The stratum of each prompt, shape (n,): its (template, order) cell.

        Its template alone where some cell has too few prompts for a spread of its own.
        """
        cells = self.prompts.strata
        if np.bincount(cells).min() >= LEAST_IN_STRATUM:
            return cells
        return self.templates

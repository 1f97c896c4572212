"""One model with everything that is needed to compare on it."""

from __future__ import annotations

from dataclasses import dataclass

from circuitcheck.prompts.pairs import PromptSet
from oracle.oracle import Donors, Oracle
from oracle.prompts import plain
from oracle.readings import Numbers
from oracle.wording import Case
from oracle.world import World


@dataclass(frozen=True)
class Setting:
    """A world, its oracle, the prompts to measure and the reference set."""

    world: World
    oracle: Oracle
    prompts: PromptSet
    references: PromptSet

    def expected(self, case: Case, donors: Donors | None = None) -> Numbers:
        """What the oracle says; `donors` only matters to cases that resample."""
        nobody = [[0] * len(self.prompts)] * max(1, len(case.nodes))
        return self.oracle.measure(case, plain(self.prompts), plain(self.references), donors or nobody)

    def untouched(self, case: Case) -> Numbers:
        """The same readings on the same side, with nothing done."""
        return self.expected(Case("untouched", (), side=case.side, readings=case.every_reading[3:]))


Settings = dict[str, Setting]
"""By the name of the model: gpt2, llama."""

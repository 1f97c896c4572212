"""One model with everything that is needed to compare on it."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    _known: dict[tuple[Case, str], Numbers] = field(default_factory=dict)

    def expected(self, case: Case, donors: Donors | None = None) -> Numbers:
        """What the oracle says; `donors` only matters to cases that resample."""
        donors = donors or [[0] * len(self.prompts)] * max(1, len(case.nodes))
        key = case, str(donors)
        if key not in self._known:
            pairs, references = plain(self.prompts), plain(self.references)
            self._known[key] = self.oracle.measure(case, pairs, references, donors)
        return self._known[key]

    def untouched(self, case: Case) -> Numbers:
        """The same readings on the same side, with nothing done."""
        return self.expected(Case("untouched", (), side=case.side, readings=case.every_reading[3:]))


Settings = dict[str, Setting]
"""By the name of the model: gpt2, llama."""

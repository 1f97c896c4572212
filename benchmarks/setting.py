"""On what a work is timed: a model, prompts of one length, dictionaries."""

from collections.abc import Mapping
from dataclasses import dataclass

from circuitcheck.engines import Dictionary, LensModel
from circuitcheck.prompts.pairs import PromptSet


@dataclass(frozen=True)
class Setting:
    """One model with prompts of one length; `dictionaries` by layer, empty where no feature is asked about."""

    name: str
    model: LensModel
    prompts: PromptSet
    dictionaries: Mapping[int, Dictionary]

    @property
    def length(self) -> int:
        """Tokens of every prompt, BOS counted."""
        return len(self.prompts.clean[0])

    def places(self, at: str) -> tuple[int, ...]:
        """The token positions, BOS counted, that `at` names; the same on every prompt."""
        return tuple(int(position) for position in self.prompts.positions(at)[0])

"""Who is timed: anything that measures interventions, and circuitcheck's engine as one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks.dictionaries import ALIAS
from benchmarks.floor import work_flops
from benchmarks.setting import Setting
from circuitcheck.engine import Condition, Intervention, MetricReading, Plan, Request, Values
from circuitcheck.engines import LensEngine

LOGIT_DIFF = MetricReading("logit_diff")


class Side(Protocol):
    """One way to measure interventions."""

    def measure(self, interventions: Sequence[Intervention]) -> Values:
        """The logit difference at END under each, shape (interventions, prompts); in logits."""

    def share(self, interventions: Sequence[Intervention], of: Sequence[Intervention]) -> float:
        """What these cost of a whole work, 0 to 1, with what every run has to do once."""


@dataclass(frozen=True)
class EngineSide:
    """circuitcheck's engine: one plan for everything, on an engine that has measured nothing yet."""

    setting: Setting

    def measure(self, interventions: Sequence[Intervention]) -> Values:
        """The logit difference under each; shape (interventions, prompts)."""
        requests = [Request(Condition("clean", one), LOGIT_DIFF) for one in interventions]
        engine = LensEngine(self.setting.model, {ALIAS: self.setting.dictionaries})
        prompts = self.setting.prompts
        measured = engine.measure(Plan(tuple(requests)), prompts, prompts.subset([]))
        return np.stack([measured.values[request] for request in requests])

    def share(self, interventions: Sequence[Intervention], of: Sequence[Intervention]) -> float:
        """By the arithmetic that has to be done, which depends on the layer."""
        needed, whole = (work_flops(each, self.setting).total() for each in (interventions, of))
        return needed / whole

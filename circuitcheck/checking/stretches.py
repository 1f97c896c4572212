"""A prompt set in stretches: what each look adds, measured once.

In: prompts and a plan. Out: measurements of all prompts so far. Looks come from `statistics.looks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from circuitcheck.engine import Condition, Engine, Measurement, Plan, Progress, Request
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.statistics.looks import Look, Looks


@dataclass(frozen=True)
class Stretches:
    """One prompt set, cut at its looks; `wholly` makes a single look of it."""

    prompts: PromptSet
    wholly: bool = False

    @cached_property
    def looks(self) -> tuple[Look, ...]:
        """The looks, in order; a set without a prompt has one all the same."""
        if self.wholly or not len(self.prompts):
            return (Look(len(self.prompts), 1.0),)
        return Looks.of(len(self.prompts), len(set(self.prompts.cells))).looks

    @cached_property
    def parts(self) -> tuple[PromptSet, ...]:
        """What each look adds; the set itself where there is one look."""
        if len(self.looks) == 1:
            return (self.prompts,)
        ends = [look.n for look in self.looks]
        return tuple(
            self.prompts.stretch(self.prompts.dealt[start:end])
            for start, end in zip([0, *ends], ends, strict=False)
        )

    @cached_property
    def so_far(self) -> tuple[PromptSet, ...]:
        """All prompts of each look, in the order of the parts."""
        if len(self.looks) == 1:
            return (self.prompts,)
        return tuple(self.prompts.stretch(self.prompts.dealt[: look.n]) for look in self.looks)

    def measured(
        self, engine: Engine, plan: Plan, references: PromptSet, progress: Progress | None
    ) -> Measurement:
        """A plan on every prompt, in the order of the parts.

        Raises:
            MeasurementError: as the engine does.
        """
        return joined([engine.measure(plan, part, references, progress) for part in self.parts])


def of_requests(measured: Measurement, requests: Sequence[Request]) -> Measurement:
    """What was measured for some requests: others may not go on to the next stretch."""
    conditions = {request.condition for request in requests}
    return Measurement(
        {request: measured.values[request] for request in requests},
        {condition: found for condition, found in measured.changes.items() if condition in conditions},
    )


def joined(parts: Sequence[Measurement]) -> Measurement:
    """Measurements of the same requests on one stretch after the other, as one."""
    if len(parts) == 1:
        return parts[0]
    values: dict[Request, list[np.ndarray]] = {}
    changes: dict[Condition, list[np.ndarray]] = {}
    for part in parts:
        for request, numbers in part.values.items():
            values.setdefault(request, []).append(numbers)
        for condition, numbers in part.changes.items():
            changes.setdefault(condition, []).append(numbers)
    return Measurement(
        {request: np.concatenate(each) for request, each in values.items()},
        {condition: np.concatenate(each) for condition, each in changes.items()},
    )

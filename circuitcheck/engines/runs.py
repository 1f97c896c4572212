"""One call of `measure`: what is asked, settled per group of prompts, and the numbers that come in.

In: a plan on prompts. Out: `Measurement`. Clean and corrupt passes are run once per batch and shared;
interventions run in stacks, each in the part of the model that it can change.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from circuitcheck.engine import CLEAN, Condition, Measurement, Plan, Progress, Reading, Request, Values
from circuitcheck.engines.averaging import Averages, Wanted
from circuitcheck.engines.batches import Batch
from circuitcheck.engines.groups import batches_of, groups_of, positions_used
from circuitcheck.engines.library import Library
from circuitcheck.engines.metrics import Targets
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Pass
from circuitcheck.engines.readings import read
from circuitcheck.engines.schedule import Schedule
from circuitcheck.engines.stacks import Room, Stack, stacks_of
from circuitcheck.engines.windows import WHOLE
from circuitcheck.errors import MeasurementError
from circuitcheck.prompts.pairs import PromptSet

_DOUBTFUL = 1e-4
"""Relative change below which rounding in a partial pass could be taken for one, so that a whole pass decides."""


@dataclass(frozen=True)
class Tools:
    """What every run of an engine shares."""

    model: LensModel
    library: Library
    averages: Averages
    room: Room


@dataclass
class Run:
    """A plan on some prompts, with the arrays that fill up."""

    tools: Tools
    plan: Plan
    prompts: PromptSet
    references: PromptSet
    progress: Progress | None
    _done: int = 0
    _changes: dict[Condition, Values] = field(default_factory=dict)

    def measurement(self) -> Measurement:
        """Run everything.

        Raises:
            MeasurementError: when a value is not finite, or an intervention cannot be done.
        """
        means = self.tools.averages.of(
            self.references, self._wanted, lambda: self._tick(1, "reference prompts")
        )
        donors = Schedule.donors((schedule for schedule, _ in self._work), self.prompts)
        for schedule, batches in self._work:
            for rows in batches:
                model, end = self.tools.model, schedule.scene.end
                batch = Batch(
                    model, self.prompts, rows, end, schedule.hooks, donors, means, schedule.partial_sides
                )
                self._measure(batch, schedule)
        self._check_finite()
        return Measurement(self._values, self._changes)

    @cached_property
    def _readings(self) -> dict[Condition, list[Reading]]:
        readings = defaultdict(list)
        for request in self.plan.requests:
            readings[request.condition].append(request.reading)
        return dict(readings)

    @cached_property
    def _values(self) -> dict[Request, Values]:
        return {request: np.full(len(self.prompts), np.nan) for request in self.plan.requests}

    @cached_property
    def _work(self) -> list[tuple[Schedule, list[tuple[int, ...]]]]:
        """Each group's schedule and batches, settled before anything runs."""
        model, library, room = self.tools.model, self.tools.library, self.tools.room
        groups = groups_of(self.prompts, positions_used(self.plan.requests))
        return [
            (
                Schedule.of(self._readings, model, library, self.prompts.subset(group), exact=room.exact),
                batches_of(group, self.prompts, room.prompts),
            )
            for group in groups
        ]

    @cached_property
    def _wanted(self) -> list[Wanted]:
        return list(dict.fromkeys(one for schedule, _ in self._work for one in schedule.means))

    @cached_property
    def _total(self) -> int:
        """Conditions times batches, and the passes over the reference set."""
        batches = sum(len(batches) for _, batches in self._work)
        return batches * len(self._readings) + self.tools.averages.passes(self.references, self._wanted)

    def _stacks(self, batch: Batch, schedule: Schedule) -> list[Stack]:
        windows = {one: batch.runnable(one.side, window) for one, window in schedule.windows.items()}
        prompts, length = len(batch.rows), schedule.scene.length
        return stacks_of(windows, schedule.treatments, self.tools.room, prompts=prompts, length=length)

    def _measure(self, batch: Batch, schedule: Schedule) -> None:
        targets = Targets.of(
            [self.prompts.answers[row] for row in batch.rows],
            [self.prompts.foils[row] for row in batch.rows],
            self.tools.model.device,
        )
        for condition in self._readings:
            if condition.intervention is None:
                self._note(condition, batch.side(condition.side), batch, schedule, targets)
                self._tick(1, "prompts")
        for stack in self._stacks(batch, schedule):
            variants = [schedule.variant(condition) for condition in stack.conditions]
            passes = batch.treat(stack.side, variants, stack.window)
            for condition, variant, found in zip(stack.conditions, variants, passes, strict=True):
                seen = batch.treat(stack.side, [variant], WHOLE)[0] if _is_doubtful(found) else found
                self._note(condition, seen, batch, schedule, targets)
                self._note_changes(condition, variant.treatment.columns, seen.changes, batch.rows)
            self._tick(len(variants), "prompts")

    def _note(
        self, condition: Condition, here: Pass, batch: Batch, schedule: Schedule, targets: Targets
    ) -> None:
        clean = batch.side("clean") if schedule.clean_run else here
        for reading in self._readings[condition]:
            values = read(reading, here, clean, targets, schedule.scene)
            self._values[Request(condition, reading)][list(batch.rows)] = values.cpu().numpy()

    def _note_changes(
        self, condition: Condition, columns: int, changes: Mapping[int, torch.Tensor], rows: tuple[int, ...]
    ) -> None:
        table = self._changes.setdefault(condition, np.zeros((len(self.prompts), columns)))
        for column, values in changes.items():
            table[list(rows), column] = values.cpu().numpy()

    def _tick(self, count: int, what: str) -> None:
        for _ in range(count):
            self._done += 1
            if self.progress is not None:
                self.progress(self._done, self._total, what)

    def _check_finite(self) -> None:
        for request, values in self._values.items():
            self._refuse_not_finite(values, f"the reading {request.reading}", request.condition)
        for condition, changes in self._changes.items():
            self._refuse_not_finite(changes.sum(1), "the change of the nodes", condition)

    def _refuse_not_finite(self, values: Values, what: str, condition: Condition) -> None:
        if np.isfinite(values).all():
            return
        row = int(np.argmax(~np.isfinite(values)))
        name = "clean" if condition == CLEAN else f"{condition.side} side"
        text = self.prompts.pairs[row].clean
        msg = f"{what} is {values[row]} on the prompt {text!r} ({name}); nothing can be judged from it."
        raise MeasurementError(msg)


def _is_doubtful(seen: Pass) -> bool:
    """Whether a partial pass saw a node change by so little that rounding may have done it."""
    if seen.window == WHOLE or not seen.changes:
        return False
    changes = torch.stack(list(seen.changes.values()))
    return bool(((changes > 0) & (changes < _DOUBTFUL)).any())

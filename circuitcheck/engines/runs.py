"""One call of `measure`: what is asked, settled per group of prompts, and the numbers that come in.

In: a plan on prompts. Out: `Measurement`. Clean and corrupt passes are run once per batch and shared;
interventions run in stacks, each in the part of the model that it can change.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from circuitcheck.engine import CLEAN, Condition, Measurement, Plan, Progress, Reading, Request, Values
from circuitcheck.engines.averaging import Averages, Wanted
from circuitcheck.engines.batches import Batch
from circuitcheck.engines.collecting import Sheet
from circuitcheck.engines.groups import batches_of, groups_of, positions_used
from circuitcheck.engines.library import Library
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.rounds import Round
from circuitcheck.engines.schedule import Schedule
from circuitcheck.engines.stacks import Room
from circuitcheck.errors import MeasurementError
from circuitcheck.prompts.pairs import PromptSet


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
                tick = partial(self._tick, what="prompts")
                self._write(
                    Round(batch, schedule, self._readings, self.tools.room, tick).measured(), schedule, rows
                )
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

    def _write(self, sheet: Sheet, schedule: Schedule, rows: tuple[int, ...]) -> None:
        for request, values in sheet.readings():
            self._values[request][list(rows)] = values
        for condition, treatment in schedule.treatments.items():
            if condition.intervention is not None:
                self._changes.setdefault(condition, np.zeros((len(self.prompts), treatment.columns)))
        for column, values in sheet.changes():
            self._changes[column.condition][list(rows), column.number] = values

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

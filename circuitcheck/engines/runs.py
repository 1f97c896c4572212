"""One call of `measure`: what is asked, settled per group of prompts, and the numbers that come in.

In: a plan on prompts. Out: `Measurement`. Clean and corrupt passes are run once per batch and shared;
interventions run in stacks, each in the part of the model that it can change.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from circuitcheck.engine import CLEAN, Condition, Measurement, Plan, Progress, Reading, Request, Values
from circuitcheck.engines.averaging import Averages, Wanted
from circuitcheck.engines.batches import Batch
from circuitcheck.engines.collecting import Sheet
from circuitcheck.engines.dealing import Deal, Donors, Rows, halves_of, readings_of
from circuitcheck.engines.halving import OutOfMemory, in_parts
from circuitcheck.engines.library import Library
from circuitcheck.engines.memory import Memory, Share
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.rounds import Round
from circuitcheck.engines.schedule import Schedule
from circuitcheck.engines.sources import Means
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
    memory: Memory


@dataclass
class Run:
    """A plan on some prompts, with the arrays that fill up.

    Rows, in batches and deals, are those of the whole set that the prompts are a stretch of.
    """

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
        deals = self.deals  # settled first: trials of a new model say nothing about what prompts take
        self.tools.memory.begin()
        means = self.tools.averages.of(
            self.references, self.means, lambda: self._tick(1, "reference prompts")
        )
        donors = Schedule.donors((deal.schedule for deal in deals), self.prompts.whole)
        for deal in deals:
            for rows in self.batches(deal):
                self._in_halves(deal, rows, means, donors)
        self._check_finite()
        return Measurement(self._values, self._changes)

    @cached_property
    def deals(self) -> list[Deal]:
        """Each group's schedule, settled before anything runs."""
        model, library, room = self.tools.model, self.tools.library, self.tools.room
        return Deal.all_of(self.plan, self.prompts, model, library, exact=room.exact)

    def batches(self, deal: Deal) -> Iterator[Rows]:
        """A group's batches, as large as memory allows."""
        tools = self.tools
        return deal.batches(self.prompts.whole, tools.room, tools.memory, tools.averages.nbytes)

    def share(self, deal: Deal, rows: Rows) -> Share:
        """What a batch has of the memory."""
        return self.tools.memory.share(deal.load, len(rows), self.tools.averages.nbytes)

    def _in_halves(self, deal: Deal, rows: Rows, means: Means, donors: Donors) -> None:
        """Measure a batch; half of it at a time where memory runs out."""
        measure, memory = partial(self._batch, deal, means, donors), self.tools.memory
        before = self._done
        try:
            if in_parts(measure, rows, halves_of):
                memory.ran_out(self.share(deal, rows).of_untouched())
        except OutOfMemory:
            msg = (
                f"one prompt of {deal.load.length} tokens does not fit into the memory of {self.tools.model.device}; "
                "use shorter prompts, a smaller dtype or a device with more memory."
            )
            raise MeasurementError(msg) from None
        self._done = before + len(self.readings)

    def _batch(self, deal: Deal, means: Means, donors: Donors, rows: Rows) -> None:
        """Measure one batch; nothing of it stays but its numbers."""
        tools, schedule = self.tools, deal.schedule
        share = self.share(deal, rows)
        batch = Batch(
            tools.model, self.prompts.whole, rows, schedule.scene.end, schedule.hooks, donors, means, schedule.partial_sides
        )  # fmt: skip
        for side, lenders in deal.untouched(rows, donors):
            batch.side(side, lenders)
        tools.memory.saw(share.of_untouched())
        tick = partial(self._tick, what="prompts")
        sheet = Round(batch, schedule, self.readings, tools.room, share, tick).measured()
        self._write(sheet, schedule, rows)

    @cached_property
    def readings(self) -> dict[Condition, list[Reading]]:
        """What is read under each condition."""
        return readings_of(self.plan)

    @cached_property
    def _values(self) -> dict[Request, Values]:
        return {request: np.full(len(self.prompts), np.nan) for request in self.plan.requests}

    @cached_property
    def means(self) -> list[Wanted]:
        """What its interventions want averaged over the reference set."""
        return list(dict.fromkeys(one for deal in self.deals for one in deal.schedule.means))

    @cached_property
    def _total(self) -> int:
        """Conditions times batches, and the passes over the reference set."""
        batches = sum(len(list(self.batches(deal))) for deal in self.deals)
        return batches * len(self.readings) + len(
            self.tools.averages.batches_to_come(self.references, self.means)
        )

    def _write(self, sheet: Sheet, schedule: Schedule, rows: tuple[int, ...]) -> None:
        places = [self._places[row] for row in rows]
        for request, values in sheet.readings():
            self._values[request][places] = values
        for condition, treatment in schedule.treatments.items():
            if condition.intervention is not None:
                self._changes.setdefault(condition, np.zeros((len(self.prompts), treatment.columns)))
        for column, values in sheet.changes():
            self._changes[column.condition][places, column.number] = values

    @cached_property
    def _places(self) -> dict[int, int]:
        """Where a row of the whole set stands among the prompts that are measured."""
        return {int(row): place for place, row in enumerate(self.prompts.rows)}

    def _tick(self, count: int, what: str) -> None:
        for _ in range(count):
            self._done += 1
            if self.progress is not None:
                # Batches that had to be cut are counted twice for a while.
                self.progress(min(self._done, self._total), self._total, what)

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

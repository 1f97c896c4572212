"""How prompts are dealt out: batches of a group as large as the budget allows, and the passes that each needs.

In: a plan on prompts. Out: `Deal`s, one per group, and the untouched passes of a batch. What runs and what only
forecasts a run both ask here, so that they cannot disagree.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitcheck.engine import Condition, KeepOnly, Plan, Reading, Side
from circuitcheck.engines.footprints import Load
from circuitcheck.engines.groups import batches_of, groups_of, positions_used
from circuitcheck.engines.library import Library
from circuitcheck.engines.loads import load_of
from circuitcheck.engines.memory import Memory
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.schedule import Schedule
from circuitcheck.engines.stacks import Room
from circuitcheck.engines.windows import WHOLE
from circuitcheck.prompts.pairs import Indices, PromptSet

Rows = tuple[int, ...]
Donors = Mapping[int, NDArray[np.int64]]
Readings = Mapping[Condition, Sequence[Reading]]


def readings_of(plan: Plan) -> dict[Condition, list[Reading]]:
    """What is read under each condition of a plan."""
    readings = defaultdict(list)
    for request in plan.requests:
        readings[request.condition].append(request.reading)
    return dict(readings)


@dataclass(frozen=True)
class Deal:
    """One group of prompts, by their rows in the whole set, with its schedule and what each takes of the memory."""

    schedule: Schedule
    group: Indices
    load: Load

    @classmethod
    def all_of(
        cls, plan: Plan, prompts: PromptSet, model: LensModel, library: Library, *, exact: bool
    ) -> "list[Deal]":
        """The deals of every group, settled before anything runs.

        Raises:
            MeasurementError: for the first thing that cannot be done or read.
        """
        deals, readings = [], readings_of(plan)
        for group in groups_of(prompts, positions_used(plan.requests)):
            schedule = Schedule.of(readings, model, library, prompts.subset(group), exact=exact)
            deals.append(cls(schedule, prompts.rows[group], load_of(schedule, model)))
        return deals

    def batches(self, prompts: PromptSet, room: Room, memory: Memory, taken: int) -> Iterator[Rows]:
        """One batch after the other; how large the next may be depends on what this one is seen to take.

        Raises:
            MeasurementError: when not even one prompt fits.
        """
        left = self.group
        while len(left):
            size = memory.prompts(self.load, room.prompts, taken)
            for rows in batches_of(left, prompts, size):
                yield rows
                left = np.setdiff1d(left, rows)
                if memory.prompts(self.load, room.prompts, taken) < size:
                    break

    def untouched(self, rows: Rows, donors: Donors) -> list[tuple[Side, Rows]]:
        """The untouched passes that a batch needs: its own sides, and donors that are not among its rows."""
        own: dict[tuple[Side, Rows], None] = {}
        lent: dict[tuple[Side, Rows], None] = {}
        for condition, window in self.schedule.windows.items():
            measures_scope = isinstance(condition.intervention, KeepOnly)
            if condition.intervention is None or window != WHOLE or measures_scope:
                own[condition.side, rows] = None
        if self.schedule.clean_run:
            own["clean", rows] = None
        for reference in self.schedule.references:
            source = reference.source
            if source.kind in {"clean", "corrupt"}:
                own["clean" if source.kind == "clean" else "corrupt", rows] = None
            elif source.kind == "resample":
                lenders = tuple(int(donors[reference.donor][row]) for row in rows)
                if set(lenders) <= set(rows):
                    own[source.over, rows] = None
                else:
                    lent[source.over, lenders] = None
        return [*own, *lent]


def halves_of(rows: Rows) -> list[Rows]:
    """The rows in two parts; none of a single one."""
    middle = (len(rows) + 1) // 2
    return [rows[:middle], rows[middle:]] if len(rows) > 1 else []

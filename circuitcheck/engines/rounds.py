"""One batch under its group's schedule: untouched passes, then stacks of interventions, in the cheapest way.

In: a batch, what is read under each condition. Out: a `Sheet` of numbers per prompt.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from torch import Tensor

from circuitcheck.engine import Condition, Reading, Request, Side
from circuitcheck.engines.batches import Batch
from circuitcheck.engines.collecting import Sheet
from circuitcheck.engines.halving import in_parts
from circuitcheck.engines.memory import Share
from circuitcheck.engines.metrics import Targets
from circuitcheck.engines.passes import Pass
from circuitcheck.engines.readings import needs_vocabulary, read
from circuitcheck.engines.schedule import Schedule
from circuitcheck.engines.stacks import Room, Stack, stacks_of
from circuitcheck.engines.windows import WHOLE, Window

_DOUBTFUL = 1e-4
"""Relative change below which rounding in a partial pass could be taken for one, so that a whole pass decides."""
_ENOUGH = 256
"""Tokens from which on products are rounded alike, however many they are."""


Runnable = Callable[[Side, Window], Window]
"""The part of the model in which a window can be run on some side: itself, or the whole."""


def stacks_for(schedule: Schedule, runnable: Runnable, room: Room, share: Share) -> list[Stack]:
    """The stacks of one batch."""
    return stacks_of(
        {condition: runnable(condition.side, window) for condition, window in schedule.windows.items()},
        schedule.treatments,
        replace(room, fitting=share.copies),
        prompts=share.prompts,
        length=schedule.scene.length,
    )


@dataclass
class Round:
    """Measures one batch; `tick` is told how many conditions have just been done."""

    batch: Batch
    schedule: Schedule
    readings: Mapping[Condition, Sequence[Reading]]
    room: Room
    share: Share
    tick: Callable[[int], None]
    _sheet: Sheet = field(default_factory=Sheet)

    def measured(self) -> Sheet:
        """Run everything; where a partial pass changed a node by next to nothing, a whole pass decides."""
        for condition in self.readings:
            if condition.intervention is None:
                self._note(condition, self.batch.side(condition.side))
                self.tick(1)
        parts: set[Condition] = set()
        for stack in self._stacks():
            self._run_within_memory(stack)
            parts.update(stack.conditions if stack.window != WHOLE else ())
            self.tick(len(stack.conditions))
        doubtful = self._sheet.doubtful(_DOUBTFUL)
        self._decide({condition: doubtful[condition] for condition in doubtful if condition in parts})
        return self._sheet

    def _decide(self, doubtful: Mapping[Condition, Sequence[int]]) -> None:
        """Run conditions whole, on those prompts of the batch where their change is in doubt, and take it from there.

        A few more prompts go along where these are few: matrix libraries round very small products in another way.
        """
        if not doubtful:
            return
        places = sorted(set().union(*doubtful.values()))
        enough = math.ceil(_ENOUGH / self.schedule.scene.length)
        others = [place for place in range(len(self.batch.rows)) if place not in places]
        places = sorted([*places, *others[: max(0, enough - len(places))]])
        some = self if not others else self._part(places)
        for stack in some._whole(set(doubtful)):
            some._run_within_memory(stack)
        if some is not self:
            self._sheet.correct(places, some._sheet)

    def _part(self, places: Sequence[int]) -> "Round":
        """The same round on some prompts of its batch, without anything read."""
        batch, share = self.batch.part(places), replace(self.share, prompts=len(places))
        return replace(
            self, batch=batch, share=share, readings=dict.fromkeys(self.readings, ()), _sheet=Sheet()
        )

    def _whole(self, conditions: set[Condition]) -> list[Stack]:
        """Stacks of whole passes, as few as there can be: many heads of a scan rest on the first token."""
        return stacks_of(
            {condition: WHOLE for condition in self.readings if condition in conditions},
            self.schedule.treatments,
            replace(self.room, fitting=self.share.copies),
            prompts=self.share.prompts,
            length=self.schedule.scene.length,
        )

    def _stacks(self) -> list[Stack]:
        return stacks_for(self.schedule, self.batch.runnable, self.room, self.share)

    def _run_within_memory(self, stack: Stack) -> None:
        """Run a stack; in parts, where the passes before it have shown that it is too much, or where it is."""
        for part in stack.within(self.share.copies):
            self.share.saw(part, halved=in_parts(self._run, part, Stack.halves))

    def _run(self, stack: Stack) -> None:
        variants = [self.schedule.variant(condition) for condition in stack.conditions]
        passes = self.batch.treat(stack.side, variants, stack.window, self._tokens(stack))
        for condition, seen in zip(stack.conditions, passes, strict=True):
            self._note(condition, seen)
            self._sheet.changed(condition, seen.changes)

    def _note(self, condition: Condition, here: Pass) -> None:
        if not self.readings[condition]:
            return  # only its change is asked for, so no clean pass is run for it
        clean = self.batch.side("clean") if self.schedule.clean_run else here
        for reading in self.readings[condition]:
            values = read(reading, here, clean, self._targets, self.schedule.scene)
            self._sheet.read(Request(condition, reading), values)

    def _tokens(self, stack: Stack) -> Tensor | None:
        """The tokens whose logits its readings look at; None where one looks at the whole vocabulary."""
        asked = (reading for condition in stack.conditions for reading in self.readings[condition])
        return None if any(map(needs_vocabulary, asked)) else self._targets.tokens

    @cached_property
    def _targets(self) -> Targets:
        prompts, rows = self.batch.prompts, self.batch.rows
        return Targets.of(
            [prompts.answers[row] for row in rows],
            [prompts.foils[row] for row in rows],
            self.batch.model.device,
        )

"""What one group of prompts needs: each condition's steps, and the hooks that shared passes record.

In: readings by condition, and a group. Out: `Schedule`, settled before anything runs, so that a fault
in the last claim is found before the first forward pass.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitcheck.engine import Condition, KeepOnly, Reading, Replace, Route, Side, Steer
from circuitcheck.engines.averaging import Wanted
from circuitcheck.engines.keeping import keep_treatment
from circuitcheck.engines.kept_circuit import KeptParts, can_run_parts
from circuitcheck.engines.kept_trial import can_run_parts_of
from circuitcheck.engines.library import Library
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Treatment, Variant
from circuitcheck.engines.readings import Needs, needs
from circuitcheck.engines.replacing import replace_treatment, splice_treatment, steer_treatment
from circuitcheck.engines.routing import route_treatment
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sources import Reference, resample_donors
from circuitcheck.engines.suffix import can_run_suffixes
from circuitcheck.engines.windows import WHOLE, Window, narrowed, window_around
from circuitcheck.prompts.pairs import PromptSet

_WIDE = 256
"""Width of the residual stream from which on fewer tokens in a block are worth another call of it, and smaller stacks."""


@dataclass(frozen=True)
class Schedule:
    """One group's work: steps and recordings per condition, hooks per side of the shared passes."""

    scene: Scene
    treatments: Mapping[Condition, Treatment]
    records: Mapping[Condition, frozenset[str]]
    windows: Mapping[Condition, Window]
    """The part of the model that each condition can change or reads."""
    hooks: Mapping[Side, frozenset[str]]
    clean_run: bool
    """Whether some reading looks at the clean pass beside its own."""

    @classmethod
    def of(
        cls,
        readings: Mapping[Condition, Sequence[Reading]],
        model: LensModel,
        library: Library,
        group: PromptSet,
        *,
        exact: bool = False,
    ) -> "Schedule":
        """Settle everything for one group; with `exact` every window is the whole model.

        Raises:
            MeasurementError: for the first thing that cannot be done or read.
        """
        scene = Scene(model, library, group)
        treatments = {condition: treatment_of(condition, scene) for condition in readings}
        wanted = {condition: [needs(one, scene) for one in asked] for condition, asked in readings.items()}
        records = {
            condition: frozenset().union(*(one.here for one in asked)) for condition, asked in wanted.items()
        }
        edited = any(treatment.steps for treatment in treatments.values())
        partial = edited and not exact and can_run_suffixes(model)
        return cls(
            scene=scene,
            treatments=treatments,
            records=records,
            windows={
                condition: _window(treatments[condition], wanted[condition], scene) if partial else WHOLE
                for condition in readings
            },
            hooks=_shared_hooks(treatments, wanted, records),
            clean_run=any(one.clean_run for asked in wanted.values() for one in asked),
        )

    def variant(self, condition: Condition) -> Variant:
        """A condition as one of those that share a pass."""
        return Variant(self.treatments[condition], self.records[condition])

    @property
    def partial_sides(self) -> frozenset[Side]:
        """The sides on which some condition runs in a part of the model only."""
        return frozenset(condition.side for condition, window in self.windows.items() if window != WHOLE)

    @property
    def references(self) -> tuple[Reference, ...]:
        """Everything that the steps ask of other passes."""
        return _references(self.treatments)

    @property
    def means(self) -> tuple[Wanted, ...]:
        """What has to be averaged over the reference set."""
        return tuple((one.source.over, one.quantity) for one in self.references if one.source.kind == "mean")

    @staticmethod
    def donors(schedules: Iterable["Schedule"], prompts: PromptSet) -> dict[int, NDArray[np.int64]]:
        """The derangements that any of them uses, by number.

        Raises:
            MeasurementError: when a prompt has no donor.
        """
        numbers = {
            one.donor
            for schedule in schedules
            for one in schedule.references
            if one.source.kind == "resample"
        }
        return {number: resample_donors(prompts, number) for number in numbers}


def treatment_of(condition: Condition, scene: Scene) -> Treatment:
    """The steps of any intervention; none for none."""
    done = condition.intervention
    if done is None:
        return Treatment()
    if isinstance(done, Replace):
        return replace_treatment(done, condition.side, scene)
    if isinstance(done, Route):
        return route_treatment(done, condition.side, scene)
    if isinstance(done, Steer):
        return steer_treatment(done, scene)
    return keep_treatment(done, scene) if isinstance(done, KeepOnly) else splice_treatment(done, scene)


def _window(treatment: Treatment, wanted: Sequence[Needs], scene: Scene) -> Window:
    """Where its steps and readings are."""
    if not treatment.steps:
        return WHOLE
    told_by_logits = not any(one.here for one in wanted)
    if told_by_logits and can_run_parts(treatment) and can_run_parts_of(scene.model, scene.length):
        return KeptParts(0, scene.everywhere[0])
    hooks = {hook for step in treatment.steps for hook in (step.hook, *step.live_hooks)}
    positions = {position for step in treatment.steps for position in step.positions}
    here = frozenset[str]().union(*(one.here for one in wanted))
    layers = scene.shape.n_layers
    window = window_around(
        hooks | here,
        positions.union({scene.end}, *(one.positions for one in wanted)),
        layers=layers,
        length=scene.length,
    )
    if window == WHOLE or scene.shape.d_model < _WIDE:
        return window
    edits = [(hook, step.positions) for step in treatment.steps for hook in (step.hook, *step.live_hooks)]
    return narrowed(window, edits, here, layers=layers, end=scene.end)


def _references(treatments: Mapping[Condition, Treatment]) -> tuple[Reference, ...]:
    return tuple(
        reference
        for treatment in treatments.values()
        for step in treatment.steps
        for reference in step.references
    )


def _shared_hooks(
    treatments: Mapping[Condition, Treatment],
    wanted: Mapping[Condition, Sequence[Needs]],
    records: Mapping[Condition, frozenset[str]],
) -> dict[Side, frozenset[str]]:
    """What the untouched passes must record: for references, for readings, for clean scales."""
    hooks: dict[Side, set[str]] = {"clean": set(), "corrupt": set()}
    for condition, record in records.items():
        if condition.intervention is None:
            hooks[condition.side] |= record
    for condition, treatment in treatments.items():
        if isinstance(condition.intervention, KeepOnly):  # for the change of its scope
            hooks[condition.side].update(*((step.hook, *step.live_hooks) for step in treatment.steps))
    for asked in wanted.values():
        hooks["clean"].update(hook for one in asked for hook in one.clean)
    for reference in _references(treatments):
        source = reference.source
        if source.kind == "clean":
            hooks["clean"].update(reference.hooks)
        elif source.kind == "corrupt":
            hooks["corrupt"].update(reference.hooks)
        elif source.kind == "resample":
            hooks[source.over].update(reference.hooks)
    return {side: frozenset(names) for side, names in hooks.items()}

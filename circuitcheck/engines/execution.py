"""The reference engine: every condition is one whole forward pass through TransformerBridge.

In: plans and prompts. Out: `Measurement` and `Fit`, per-prompt numbers in float64. Prompts are taken
group by group, so nothing is padded; clean and corrupt passes are run once per batch and shared.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from circuitcheck.engine import (
    CLEAN,
    Condition,
    Fit,
    Measurement,
    Plan,
    Progress,
    Reading,
    Request,
    Shape,
    Values,
)
from circuitcheck.engines.averaging import Averages
from circuitcheck.engines.batches import Batch, rows_in_batches
from circuitcheck.engines.fitting import fit
from circuitcheck.engines.library import Library, Shelf
from circuitcheck.engines.metrics import Targets
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.readings import read
from circuitcheck.engines.schedule import Schedule
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node
from circuitcheck.prompts.pairs import PromptSet


class LensEngine:
    """Measures plans on one model with its dictionaries; see `circuitcheck.engine.Engine`.

    `batch_size` is the number of prompts per forward pass; it changes results by rounding only.
    """

    def __init__(self, model: LensModel, dictionaries: Mapping[str, Shelf], batch_size: int = 64) -> None:
        self._model = model
        self._library = Library(model, dictionaries)
        self._batch_size = batch_size
        self._averages = Averages(model, batch_size)

    @property
    def model(self) -> LensModel:
        """The model that it measures on."""
        return self._model

    @property
    def shape(self) -> Shape:
        """How large the model is."""
        return self._model.shape

    @property
    def provenance(self) -> Mapping[str, object]:
        """What was measured with what: plain data; `dictionaries` lists those used so far."""
        return {
            "model": {"name": self._model.name, "sha256": self._model.digest},
            "weights": self._model.weights,
            "dtype": self._model.dtype,
            "device": self._model.device,
            "dictionaries": self._library.digests,
            "versions": {name: version(name) for name in ("torch", "transformers", "transformer-lens")},
        }

    def measure(
        self, plan: Plan, prompts: PromptSet, references: PromptSet, progress: Progress | None = None
    ) -> Measurement:
        """Measure every request on every prompt.

        Raises:
            MeasurementError: when a value is not finite, or an intervention cannot be done.
            DictionaryError: when a dictionary is missing, damaged, or does not fit the model.
            PromptError: when a position is not on the prompts.
        """
        if not len(prompts):
            msg = "there are no prompts to measure on; draw at least one."
            raise MeasurementError(msg)
        with torch.inference_mode():
            return _Run(self, plan, prompts, references, progress).measurement()

    def fit(self, place: Node, features: tuple[int, ...], prompts: PromptSet) -> Fit:
        """How well the dictionary of the error node `place` fits there, on clean prompts.

        Raises:
            MeasurementError: when `place` is not an error node, or a value is not finite.
            DictionaryError: when the dictionary is missing, damaged, or does not fit the model.
        """
        with torch.inference_mode():
            return fit(self.measure, self._library, self._model, place, features, prompts, self._batch_size)


class _Run:
    """One call of `measure`: what is asked, settled per group, and the arrays that fill up."""

    def __init__(
        self,
        engine: LensEngine,
        plan: Plan,
        prompts: PromptSet,
        references: PromptSet,
        progress: Progress | None,
    ) -> None:
        self._model, self._averages = engine._model, engine._averages
        self._size, self._prompts, self._references = engine._batch_size, prompts, references
        self._progress, self._done = progress, 0
        self._readings: dict[Condition, list[Reading]] = defaultdict(list)
        for request in plan.requests:
            self._readings[request.condition].append(request.reading)
        self._schedules = [
            Schedule.of(self._readings, engine._model, engine._library, prompts.subset(group))
            for group in prompts.groups
        ]
        self._values = {request: np.full(len(prompts), np.nan) for request in plan.requests}
        self._changes: dict[Condition, Values] = {}

    @cached_property
    def _wanted(self) -> list[Any]:
        return list(dict.fromkeys(one for schedule in self._schedules for one in schedule.means))

    @cached_property
    def _passes(self) -> int:
        batches = sum(len(rows_in_batches(group.tolist(), self._size)) for group in self._prompts.groups)
        return batches * len(self._readings) + self._averages.passes(self._references, self._wanted)

    def measurement(self) -> Measurement:
        """Run everything."""
        total = self._passes
        means = self._averages.of(
            self._references, self._wanted, lambda: self._tick(total, "reference prompts")
        )
        donors = Schedule.donors(self._schedules, self._prompts)
        for group, schedule in zip(self._prompts.groups, self._schedules, strict=True):
            for rows in rows_in_batches(group.tolist(), self._size):
                scene = schedule.scene
                batch = Batch(self._model, self._prompts, rows, scene.end, schedule.hooks, donors, means)
                for condition in self._readings:
                    self._measure(condition, batch, schedule)
                    self._tick(total, "prompts")
        self._check_finite()
        return Measurement(self._values, self._changes)

    def _measure(self, condition: Condition, batch: Batch, schedule: Schedule) -> None:
        treatment = schedule.treatments[condition]
        if condition.intervention is None:
            here = batch.side(condition.side)
        else:
            here = batch.treat(condition.side, treatment, schedule.records[condition])
            self._note_changes(condition, treatment.columns, here.changes, batch.rows)
        clean = batch.side("clean") if schedule.clean_run else here
        targets = Targets.of(
            [self._prompts.answers[row] for row in batch.rows],
            [self._prompts.foils[row] for row in batch.rows],
            self._model.device,
        )
        for reading in self._readings[condition]:
            values = read(reading, here, clean, targets, schedule.scene)
            self._values[Request(condition, reading)][list(batch.rows)] = values.cpu().numpy()

    def _note_changes(
        self, condition: Condition, columns: int, changes: Mapping[int, torch.Tensor], rows: tuple[int, ...]
    ) -> None:
        table = self._changes.setdefault(condition, np.zeros((len(self._prompts), columns)))
        for column, values in changes.items():
            table[list(rows), column] = values.cpu().numpy()

    def _tick(self, total: int, what: str) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, total, what)

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
        text = self._prompts.pairs[row].clean
        msg = f"{what} is {values[row]} on the prompt {text!r} ({name}); nothing can be judged from it."
        raise MeasurementError(msg)

"""The engine: measures plans by running interventions through TransformerBridge.

In: plans and prompts. Out: `Measurement` and `Fit`, per-prompt numbers in float64. Prompts are taken
group by group, so nothing is padded. Nothing is approximated: what an intervention cannot change is taken
from the untouched pass, the rest is computed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version

import torch

from circuitcheck.engine import (
    Description,
    Errand,
    Fit,
    Forecast,
    Measurement,
    Plan,
    Profile,
    Progress,
    Shape,
)
from circuitcheck.engines.activations import in_one_step
from circuitcheck.engines.averaging import Averages
from circuitcheck.engines.descriptions import describe
from circuitcheck.engines.fitting import fit
from circuitcheck.engines.forecasting import forecast_errands
from circuitcheck.engines.library import Library, Shelf
from circuitcheck.engines.memory import Memory
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.profiles import profile
from circuitcheck.engines.runs import Run, Tools
from circuitcheck.engines.stacks import room_on
from circuitcheck.engines.surveys import Surveyor
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node
from circuitcheck.prompts.pairs import PromptSet


class LensEngine:
    """Measures plans on one model with its dictionaries; see `circuitcheck.engine.Engine`.

    `batch_size` is the number of prompts per whole forward pass, `batch_rows` the number of rows
    (interventions x prompts x token positions) that a partial one computes; None stands for what is fastest on
    the device. `memory` is what measuring may take on top of the loaded model and dictionaries, in bytes; half of
    what is free when the engine starts for None. Where it calls for that, batches are smaller. All three change
    results by rounding only. With `exact_passes` every intervention is one whole pass of its own, which is the
    reference that partial and shared passes are tested against.
    """

    def __init__(
        self,
        model: LensModel,
        dictionaries: Mapping[str, Shelf],
        batch_size: int | None = None,
        *,
        batch_rows: int | None = None,
        memory: int | None = None,
        exact_passes: bool = False,
    ) -> None:
        self._model = model
        self._library = Library(model, dictionaries)
        room = room_on(model.device, batch_size, batch_rows, exact=exact_passes)
        self._memory = Memory.on(model.device, memory)
        averages = Averages(model, room.prompts, self._memory)
        self._surveyor = Surveyor(model, self._library, self._memory, room.prompts)
        self._tools = Tools(model, self._library, averages, room, self._memory)

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
            **({"notes": list(self._memory.notes)} if self._memory.notes else {}),
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
        with self._at_work():
            return Run(self._tools, plan, prompts, references, progress).measurement()

    def forecast(self, errands: Sequence[Errand]) -> Forecast:
        """What these errands would take; see `Engine.forecast`.

        Raises:
            MeasurementError: when an intervention cannot be done, or one prompt does not fit into memory.
            DictionaryError: when a dictionary is missing, damaged, or does not fit the model.
            PromptError: when a position is not on the prompts.
        """
        with self._at_work():
            return forecast_errands(errands, self._tools, self._surveyor)

    def fit(self, place: Node, features: tuple[int, ...], prompts: PromptSet) -> Fit:
        """How well the dictionary of the error node `place` fits there, on clean prompts.

        Raises:
            MeasurementError: when `place` is not an error node, or a value is not finite.
            DictionaryError: when the dictionary is missing, damaged, or does not fit the model.
        """
        with self._at_work():
            size = self._surveyor.size((place,), prompts)
            return fit(self.measure, self._library, self._model, place, features, prompts, size)

    def profile(self, place: Node, prompts: PromptSet) -> Profile:
        """Every feature's behaviour at the place of the error node `place`, on clean prompts.

        Raises:
            MeasurementError: when `place` is not an error node, or there are no prompts.
            DictionaryError: when the dictionary is missing, damaged, or does not fit the model.
        """
        with self._at_work():
            return profile(self._library, self._model, place, prompts, self._surveyor.size((place,), prompts))

    def describe(self, features: tuple[Node, ...], prompts: PromptSet) -> tuple[Description, ...]:
        """What each feature is about: when it fires on clean prompts, and which tokens it speaks for.

        Raises:
            MeasurementError: when there are no prompts, or a node is not a feature of its dictionary.
            DictionaryError: when a dictionary is missing, damaged, or does not fit the model.
            PromptError: when a position is not on the prompts.
        """
        with self._at_work():
            size = self._surveyor.size(features, prompts)
            return describe(self._library, self._model, features, prompts, size)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Around everything that runs the model."""
        with torch.inference_mode(), in_one_step(self._model):
            yield

"""The shipped circuit files: the engine time of a check, against the same requests by whole passes.

In: circuit files. Out: one `FileRow` each. The requests are those that a check of the file makes, noted as it
makes them, controls included. The other side is the engine with `exact_passes`, which runs the whole model by
`run_with_hooks` once for each condition, with END's logits only; judging is in neither time.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.machine import load_average
from benchmarks.memory import Meter
from benchmarks.rounds import Run, Spread, one_round, ratios, timed
from benchmarks.row import ALLOWED
from benchmarks.widened import SMALL, file_model
from circuitcheck.checking import check
from circuitcheck.engine import Measurement, Plan, Progress, Values
from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.reading import read_spec

CIRCUITS = Path(__file__).parents[1] / "circuits"
SHORT = ("ioi-heads", "pronoun")
"""Files that the default set times; `--work f` alone times all."""
OURS, WHOLE = "circuitcheck", "whole passes"
WHOLE_BATCHES = (32, 64, 128)
"""Prompts of a whole pass that are tried."""

Shelves = Mapping[str, DictionaryFolder]
"""The dictionaries of a file by alias, each layer read when first asked for."""


@dataclass(frozen=True)
class Question:
    """One call of `LensEngine.measure`, and the model that it was about."""

    model: LensModel
    plan: Plan
    prompts: PromptSet
    references: PromptSet


@dataclass(frozen=True)
class FileRow:
    """What was found about one file; seconds are of all its measurements together."""

    name: str
    model: str
    conditions: int
    """Ways to run the model that the file asks for, over all its questions."""
    raw: dict[str, list[Run[Values]]]
    batch: int
    difference: float
    """Largest between the two, over the root mean square of what is read."""
    load: float
    """Processes that wanted to run when it began."""

    @property
    def agrees(self) -> bool:
        """Whether rounding explains the difference."""
        return self.difference <= ALLOWED

    def seconds(self, side: str) -> Spread:
        """By round."""
        return Spread(tuple(run.seconds for run in self.raw[side]))

    @property
    def faster(self) -> Spread:
        """How many times longer whole passes take, round by round."""
        return ratios(self.seconds(WHOLE).values, self.seconds(OURS).values)

    def grown(self, side: str) -> int:
        """The most bytes that a side added to what was held."""
        return max(run.peak.grown for run in self.raw[side])


def files_for(model: str) -> tuple[str, ...]:
    """The files that can be timed on a model: dictionaries fit the bundled one only."""
    files = circuit_files()
    return tuple(
        files if model == SMALL else (name for name in files if not read_spec(files[name]).dictionaries)
    )


def circuit_files() -> dict[str, Path]:
    """The shipped files by name."""
    return {path.name.removesuffix(".circuit.yaml"): path for path in sorted(CIRCUITS.glob("*.circuit.yaml"))}


def file_row(path: Path, rounds: int, meter: Meter, device: str, model: str = SMALL) -> FileRow:
    """Note what a check of the file asks, then ask it again and again of fresh engines."""
    load = load_average()
    shelves = _shelves(path)
    with file_model(model) as ref, noted() as questions:
        check(path, device=device, model_ref=ref)
    batch = _best_batch(shelves, questions, meter, device)
    calls = {OURS: partial(ours, shelves, questions), WHOLE: partial(whole_passes, shelves, questions, batch)}
    found = [one_round(calls, meter, device) for _ in range(rounds)]
    one, other = (found[0][name].result for name in (OURS, WHOLE))
    return FileRow(
        path.name.removesuffix(".circuit.yaml"),
        model,
        sum(len({request.condition for request in one.plan.requests}) for one in questions),
        {name: [one[name] for one in found] for name in calls},
        batch,
        float(np.abs(one - other).max() / np.sqrt(np.mean(np.square(other)))),
        load,
    )


@contextmanager
def noted() -> Iterator[list[Question]]:
    """Every question that engines are asked while this is open."""
    questions: list[Question] = []
    measure = LensEngine.measure

    def note(
        engine: LensEngine,
        plan: Plan,
        prompts: PromptSet,
        references: PromptSet,
        progress: Progress | None = None,
    ) -> Measurement:
        questions.append(Question(engine.model, plan, prompts, references))
        return measure(engine, plan, prompts, references, progress)

    with patch.object(LensEngine, "measure", note):
        yield questions


def ours(shelves: Shelves, questions: Sequence[Question]) -> Values:
    """What a new engine answers."""
    return _answers(LensEngine(questions[0].model, shelves), questions)


def whole_passes(shelves: Shelves, questions: Sequence[Question], batch: int) -> Values:
    """What a new engine answers that runs the whole model for every condition."""
    return _answers(LensEngine(questions[0].model, shelves, batch, exact_passes=True), questions)


def _answers(engine: LensEngine, questions: Sequence[Question]) -> Values:
    """Every number that the questions ask for, one after the other."""
    found = [engine.measure(each.plan, each.prompts, each.references) for each in questions]
    return np.concatenate([values for measured in found for values in measured.values.values()])


def _shelves(path: Path) -> Shelves:
    spec = read_spec(path)
    return {alias: DictionaryFolder(one.pattern(spec.directory)) for alias, one in spec.dictionaries.items()}


def _best_batch(shelves: Shelves, questions: Sequence[Question], meter: Meter, device: str) -> int:
    """The size at which whole passes are fastest, on the first question that intervenes at all."""
    few = next(one for one in questions if any(each.condition.intervention for each in one.plan.requests))
    seconds = {
        batch: timed(partial(whole_passes, shelves, [few], batch), meter, device).seconds
        for batch in WHOLE_BATCHES
    }
    return min(seconds, key=lambda batch: seconds[batch])

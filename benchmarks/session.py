"""One run of the benchmarks: builds each model once, tunes the other side once for each length, times each work.

In: an `Agenda`. Out: rows, as they come in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.agenda import Agenda, Job
from benchmarks.circuits import SHORT, FileRow, circuit_files, file_row
from benchmarks.claims import MANY, written_files
from benchmarks.dictionaries import random_dictionaries
from benchmarks.duel import Duel, Effort
from benchmarks.memory import Meter, meter_for
from benchmarks.models import build_model
from benchmarks.profiling import profile_of
from benchmarks.prompts import random_prompts
from benchmarks.row import ALL_LOGITS, END_LOGITS, Row
from benchmarks.setting import Setting
from benchmarks.sides import EngineSide
from benchmarks.tuning import best_batch
from benchmarks.works import WHOLE_FILES, WORKS, works_called
from circuitcheck import check
from circuitcheck.engines import LensModel

ABOUT_FEATURES, CLAIMS = "d-", "claims"


@dataclass
class Session:
    """Where, how long, and on how many prompts everything is timed."""

    device: str
    dtype: str
    prompts: int
    seed: int
    effort: Effort
    meter: Meter = field(init=False)
    _held: tuple[str, LensModel] | None = None

    def __post_init__(self) -> None:
        self.meter = meter_for(self.device)

    def rows(self, agenda: Agenda) -> Iterator[Row]:
        """Every work of every job."""
        for job in agenda.jobs:
            setting = self._setting(job)
            batches = {
                side: best_batch(setting, end_only=side == END_LOGITS) for side in (ALL_LOGITS, END_LOGITS)
            }
            for key in job.works:
                yield Duel(WORKS[key](setting), setting, batches, self.meter).row(self.effort)

    def files(self, agenda: Agenda) -> Iterator[FileRow]:
        """Every circuit file."""
        for model, name in agenda.files:
            yield file_row(circuit_files()[name], self.effort.rounds, self.meter, self.device, model)

    def profile(self, what: str, model: str, length: int) -> str:
        """Pages of cProfile: the engine on a work, or whole checks of circuit files, or of many claims.

        Raises:
            ValueError: when there is no such work.
        """
        if what == CLAIMS:
            return _profile_many_claims(self.device)
        keys = works_called(what)
        if WHOLE_FILES in keys:
            return "\n".join(_profile_check(circuit_files()[name], self.device) for name in SHORT)
        setting, pages = self._setting(Job(model, length, keys)), []
        for key in keys:
            work, engine = WORKS[key](setting), EngineSide(setting)
            engine.measure(work.interventions[:1])
            pages.append(f"{work.title}\n{profile_of(partial(engine.measure, work.interventions))}")
        return "\n".join(pages)

    def _setting(self, job: Job) -> Setting:
        model = self._model(job.model)
        wanted = any(key.startswith(ABOUT_FEATURES) for key in job.works)
        return Setting(
            name=job.model,
            model=model,
            prompts=random_prompts(self.prompts, job.length, model.shape.d_vocab, seed=self.seed),
            dictionaries=random_dictionaries(model, seed=self.seed) if wanted else {},
        )

    def _model(self, name: str) -> LensModel:
        """The model that is held, or the next one in its place: memory holds one at a time."""
        if self._held is None or self._held[0] != name:
            self._held = None
            self._held = name, build_model(name, device=self.device, dtype=self.dtype, seed=self.seed)
        return self._held[1]


def _profile_many_claims(device: str) -> str:
    with written_files() as paths:
        return _profile_check(paths[MANY], device)


def _profile_check(path: Path, device: str) -> str:
    """A check of one file, after another that loads the model."""
    check(path, device=device)
    return f"{path.name}\n{profile_of(partial(check, path, device=device))}"

"""One row of the table: what was found about a work on a setting.

In: timings and numbers of every side, round by round. Out: ratios, memory, and whether the sides agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.rounds import Run, Spread, ratios
from benchmarks.sampling import Sample
from benchmarks.setting import Setting
from benchmarks.tuning import BatchChoice
from benchmarks.works import Work
from circuitcheck.engine import Values

OURS, ALL_LOGITS, END_LOGITS, SPLICED = (
    "circuitcheck",
    "run_with_hooks",
    "run_with_hooks, END logits",
    "SAELens",
)
ALLOWED = 1e-4
"""Relative difference of the metric above which single precision does not explain it."""
ALLOWED_OF_EFFECT = 1e-2
"""The same of the interventions' effects, which are smaller: a side that left one out would be off by about 1."""

COARSE = frozenset({"bfloat16", "float16"})


@dataclass(frozen=True)
class Agreement:
    """How far apart the sides' numbers are: largest difference, over the size of the metric and of the effects."""

    of_metric: float
    of_effect: float

    @classmethod
    def of(cls, ours: Values, theirs: Values, clean: Values) -> "Agreement":
        """Of values with shape (interventions, prompts); sizes are root mean squares."""
        worst = float(np.abs(ours - theirs).max())
        metric, effect = (float(np.sqrt(np.mean(np.square(one)))) for one in (theirs, theirs - clean))
        return cls(worst / metric, worst / effect if effect else np.inf)

    @property
    def holds(self) -> bool:
        """Whether rounding explains it."""
        return self.of_metric <= ALLOWED and self.of_effect <= ALLOWED_OF_EFFECT


@dataclass(frozen=True)
class Row:
    """What was found. Seconds are of the whole work, scaled up where only a part of it was timed."""

    work: Work
    setting: Setting
    sample: Sample
    seconds: Mapping[str, Spread]
    raw: Mapping[str, list[Run[Values]]]
    floor: Spread
    """The least seconds that the whole work's arithmetic takes here, by the rates of each round."""
    done: float
    """Operations that the engine did for more interventions of one layer, over those that it had to do."""
    agreement: Agreement
    batches: Mapping[str, BatchChoice]
    load: float
    """Processes that wanted to run, over the last minute, when the row began."""

    @property
    def agrees(self) -> bool:
        """Whether the sides' numbers agree; coarser precisions are not asked, since each pass rounds in its own way."""
        return self.setting.model.dtype in COARSE or self.agreement.holds

    def faster(self, side: str) -> Spread:
        """How many times longer a side takes than circuitcheck, round by round."""
        return ratios(self.seconds[side].values, self.seconds[OURS].values)

    @property
    def above_floor(self) -> Spread:
        """Our time over the floor, round by round."""
        return ratios(self.seconds[OURS].values, self.floor.values)

    def grown(self, side: str) -> int:
        """The most bytes that a side added to what was held, over the rounds."""
        return max(run.peak.grown for run in self.raw[side])

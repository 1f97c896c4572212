"""What training with one seed gave, as plain numbers: measured once, kept as JSON, read by the choice and the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any

from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

from circuitcheck.training.bars import Bar, met
from circuitcheck.training.development import DEVELOPMENT_TEMPLATES
from circuitcheck.training.evaluation import (
    CellRuns,
    CellScore,
    HeadScore,
    TwoStages,
    score_cells,
    score_heads,
    two_stages,
)
from circuitcheck.training.family import frozen_templates, ioi_family
from circuitcheck.training.probes import ioi_cells
from circuitcheck.training.side_evaluation import side_accuracies
from circuitcheck.training.tokenizer import build_tokenizer

PROMPTS_PER_CELL = 200
HEAD_PROMPTS_PER_CELL = 20
EVALUATION_SEED = 0
SIDE_PROMPTS = 400


@dataclass(frozen=True)
class HeadRow:
    """One head at END; see `evaluation.HeadScore` for the units."""

    name: str
    to_io: float
    to_s1: float
    to_s2: float
    lost: float
    swapped_ratio: float


@dataclass(frozen=True)
class StagesRow:
    """A mover and the readers that steer it; see `evaluation.TwoStages`."""

    readers: str
    mover: str
    swapped_ratio: float
    turned_io: float
    turned_s1: float
    clarity: float
    holds: bool


@dataclass(frozen=True)
class SeedOutcome:
    """Everything measured on the model of one seed; IOI on pairs of names that the corpus never brings together.

    Attributes:
        seed: The training seed.
        family: Every template and order of the family `ioi`.
        new_wording: The same of the frozen family.
        development: The same of the templates that were looked at while the corpus was widened.
        side_accuracy: Side family to accuracy on items that its corpus sentences hold out.
        heads: All heads in layer order.
        stages: The four clearest movers with their readers.
    """

    seed: int
    family: tuple[CellScore, ...]
    new_wording: tuple[CellScore, ...]
    development: tuple[CellScore, ...]
    side_accuracy: dict[str, float]
    heads: tuple[HeadRow, ...]
    stages: tuple[StagesRow, ...]


def measure_seed(model: GPT2LMHeadModel, seed: int) -> SeedOutcome:
    """Evaluates a trained model; the same prompts for every seed."""
    tokenizer = build_tokenizer()
    cells = ioi_cells(tokenizer, ioi_family().templates, HEAD_PROMPTS_PER_CELL, EVALUATION_SEED)
    runs = [CellRuns.of(model, cell) for cell in cells]
    heads = score_heads(model, runs)
    return SeedOutcome(
        seed=seed,
        family=_scores(model, tokenizer, ioi_family().templates),
        new_wording=_scores(model, tokenizer, frozen_templates()),
        development=_scores(model, tokenizer, DEVELOPMENT_TEMPLATES),
        side_accuracy=side_accuracies(model, tokenizer, SIDE_PROMPTS, EVALUATION_SEED),
        heads=tuple(_head_row(head) for head in heads),
        stages=tuple(_stages_row(stages) for stages in two_stages(model, runs, heads)[:4]),
    )


def choose(outcomes: Sequence[SeedOutcome]) -> SeedOutcome:
    """The seed to ship: the one that meets most bars; among equals, the one with the clearest mover."""
    return max(outcomes, key=lambda outcome: (met(bars_of(outcome)), outcome.stages[0].clarity))


def bars_of(outcome: SeedOutcome) -> tuple[Bar, ...]:
    """What a model has to do to be worth studying."""
    new = outcome.new_wording
    sides = outcome.side_accuracy
    return (
        Bar("IOI in new wording, mean accuracy", mean(score.accuracy for score in new), least=0.95),
        Bar("IOI in new wording, worst template and order", min(score.accuracy for score in new), least=0.85),
        Bar(
            "IOI in new wording, mean logit difference",
            mean(score.logit_difference for score in new),
            least=4.0,
        ),
        *(Bar(f"{name}, accuracy", accuracy, least=0.95) for name, accuracy in sides.items()),
        Bar("two stages, mover with readers swapped", float(outcome.stages[0].holds), least=1.0),
    )


def outcome_data(outcome: SeedOutcome) -> dict[str, Any]:
    """An outcome as plain data."""
    return asdict(outcome)


def outcome_of(data: Mapping[str, Any]) -> SeedOutcome:
    """An outcome from its plain data."""
    rows = {name: tuple(kind(**row) for row in data[name]) for name, kind in _ROWS.items()}
    return SeedOutcome(**{**data, **rows})


_ROWS: Mapping[str, type[CellScore | HeadRow | StagesRow]] = {
    "family": CellScore,
    "new_wording": CellScore,
    "development": CellScore,
    "heads": HeadRow,
    "stages": StagesRow,
}


def _scores(
    model: GPT2LMHeadModel, tokenizer: Tokenizer, templates: Mapping[str, str]
) -> tuple[CellScore, ...]:
    return tuple(score_cells(model, ioi_cells(tokenizer, templates, PROMPTS_PER_CELL, EVALUATION_SEED)))


def _head_row(head: HeadScore) -> HeadRow:
    to_io, to_s1, to_s2 = (head.attention[role] for role in ("IO", "S1", "S2"))
    return HeadRow(head.name, to_io, to_s1, to_s2, head.lost, head.swapped_ratio)


def _stages_row(stages: TwoStages) -> StagesRow:
    return StagesRow(
        readers=", ".join(reader.name for reader in stages.readers),
        mover=stages.mover.name,
        swapped_ratio=stages.swapped_ratio,
        turned_io=stages.turned_io,
        turned_s1=stages.turned_s1,
        clarity=stages.clarity,
        holds=stages.holds,
    )

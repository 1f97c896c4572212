"""What training with one seed gave, as plain numbers: measured once, kept as JSON, read by the choice and the card."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from transformers import GPT2LMHeadModel

from circuitcheck.training.evaluation import (
    CellRuns,
    CellScore,
    HeadScore,
    TwoStages,
    accuracy_by_order,
    passes,
    score_cells,
    score_heads,
    two_stages,
)
from circuitcheck.training.family import ioi_family
from circuitcheck.training.phrases import UNSEEN_TEMPLATES
from circuitcheck.training.probes import ioi_cells
from circuitcheck.training.side_evaluation import side_accuracies
from circuitcheck.training.tokenizer import build_tokenizer

PROMPTS_PER_CELL = 200
HEAD_PROMPTS_PER_CELL = 20
EVALUATION_SEED = 0


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
    """Everything measured on the model of one seed.

    Attributes:
        seed: The training seed.
        steps: Optimizer steps.
        wall_minutes: How long training took, for the reader only; nothing depends on it.
        passes: Whether both orders reach the accuracy bar.
        accuracy: Order to accuracy over the family's templates, held-out name pairs.
        unseen_accuracy: Order to accuracy over templates whose clauses the corpus never shows.
        top1: Share of the family's prompts whose highest logit is the answer's.
        logit_difference: In logits, on the family's prompts.
        fresh_logit_difference: The same with fresh names.
        side_accuracy: Side family to accuracy.
        cells: Accuracy for every template, ABBA then BABA.
        heads: All heads in layer order.
        stages: The four clearest movers with their readers.
    """

    seed: int
    steps: int
    wall_minutes: float
    passes: bool
    accuracy: dict[str, float]
    unseen_accuracy: dict[str, float]
    top1: float
    logit_difference: float
    fresh_logit_difference: float
    side_accuracy: dict[str, float]
    cells: dict[str, list[float]]
    heads: list[HeadRow]
    stages: list[StagesRow]


def measure_seed(model: GPT2LMHeadModel, seed: int, steps: int, wall_minutes: float) -> SeedOutcome:
    """Evaluates a trained model; the same prompts for every seed."""
    tokenizer, templates = build_tokenizer(), ioi_family().templates
    scores = score_cells(model, ioi_cells(tokenizer, templates, PROMPTS_PER_CELL, EVALUATION_SEED))
    unseen = ioi_cells(tokenizer, UNSEEN_TEMPLATES, PROMPTS_PER_CELL, EVALUATION_SEED)
    cells = ioi_cells(tokenizer, templates, HEAD_PROMPTS_PER_CELL, EVALUATION_SEED)
    runs = [CellRuns.of(model, cell) for cell in cells]
    heads = score_heads(model, runs)
    return SeedOutcome(
        seed=seed,
        steps=steps,
        wall_minutes=wall_minutes,
        passes=passes(scores),
        accuracy=accuracy_by_order(scores),
        unseen_accuracy=accuracy_by_order(score_cells(model, unseen)),
        top1=sum(score.top1 for score in scores) / len(scores),
        logit_difference=sum(score.logit_difference for score in scores) / len(scores),
        fresh_logit_difference=sum(score.fresh_logit_difference for score in scores) / len(scores),
        side_accuracy=side_accuracies(model, tokenizer, PROMPTS_PER_CELL, EVALUATION_SEED),
        cells=_by_template(scores),
        heads=[_head_row(head) for head in heads],
        stages=[_stages_row(stages) for stages in two_stages(model, runs, heads)[:4]],
    )


def choose(outcomes: list[SeedOutcome]) -> SeedOutcome:
    """The seed to ship: among those that pass the accuracy bar, the one with the clearest mover.

    Raises:
        ValueError: If no seed passes.
    """
    passing = [outcome for outcome in outcomes if outcome.passes]
    if not passing:
        seeds = ", ".join(str(outcome.seed) for outcome in outcomes)
        message = f"no seed of {seeds} reaches the accuracy bar; train other seeds or for more steps"
        raise ValueError(message)
    return max(passing, key=lambda outcome: (outcome.stages[0].holds, outcome.stages[0].clarity))


def write_outcome(outcome: SeedOutcome, path: Path) -> None:
    """Keeps an outcome as JSON."""
    path.write_text(json.dumps(asdict(outcome), indent=1) + "\n", encoding="utf-8")


def read_outcome(path: Path) -> SeedOutcome:
    """An outcome that was kept."""
    data = json.loads(path.read_text(encoding="utf-8"))
    heads = [HeadRow(**row) for row in data.pop("heads")]
    stages = [StagesRow(**row) for row in data.pop("stages")]
    return SeedOutcome(**data, heads=heads, stages=stages)


def _by_template(scores: list[CellScore]) -> dict[str, list[float]]:
    rows: dict[str, list[float]] = {}
    for score in sorted(scores, key=lambda score: score.order):
        rows.setdefault(score.template, []).append(score.accuracy)
    return rows


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

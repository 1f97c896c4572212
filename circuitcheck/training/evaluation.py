"""How well the model does IOI, and whether its circuit has two stages: readers that steer a mover.

A reader attends from END to S2. A mover, in a later layer, attends from END to IO rather than S1 and carries part of
the logit difference; when all readers before it have their END values from the run whose S2 is IO, it turns to S1 and
the logit difference changes sign. These are the S-inhibition and name mover heads of Wang et al. 2023
(arXiv:2211.00593), sec. 3, in their smallest form; the numbers that decide are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import GPT2LMHeadModel

from circuitcheck.training.end_runs import EndRun, HeadValue, run_at_end
from circuitcheck.training.probes import ROLES, Cell

READER_TO_S2 = 0.5
MOVER_TO_IO = 0.5
MOVER_TO_S1 = 0.25
MOVER_LOST = 0.1


@dataclass(frozen=True)
class CellScore:
    """How one template does in one order.

    Attributes:
        template: The template's id.
        order: `ABBA` or `BABA`.
        accuracy: Share of prompts whose IO logit is above the S logit.
        top1: Share of prompts whose highest logit is that of IO.
        logit_difference: Mean of logit(IO) - logit(S), in logits.
        fresh_logit_difference: The same on the prompts with fresh names, for the clean pair's answers.
    """

    template: str
    order: str
    accuracy: float
    top1: float
    logit_difference: float
    fresh_logit_difference: float


@dataclass(frozen=True)
class HeadScore:
    """What one head does at END; shares are of the clean logit difference.

    Attributes:
        layer: Counted from 0.
        head: Counted from 0.
        attention: Mean attention from END to IO, S1 and S2.
        lost: Share lost when the head's END value comes from the fresh-name run.
        swapped_ratio: Logit difference over the clean one when the value comes from the run whose S2 is IO.
    """

    layer: int
    head: int
    attention: dict[str, float]
    lost: float
    swapped_ratio: float

    @property
    def name(self) -> str:
        """The head as circuit files write it."""
        return f"L{self.layer}H{self.head}"


@dataclass(frozen=True)
class TwoStages:
    """A mover and the readers before it.

    Attributes:
        readers: All heads of earlier layers that attend from END to S2.
        mover: The head that attends to IO.
        swapped_ratio: Logit difference over the clean one when all readers are told the other name.
        turned_io: The mover's attention to IO then.
        turned_s1: The mover's attention to S1 then.
    """

    readers: tuple[HeadScore, ...]
    mover: HeadScore
    swapped_ratio: float
    turned_io: float
    turned_s1: float

    @property
    def clarity(self) -> float:
        """The mover's preference of IO over S1, or of S1 over IO when turned, whichever is weaker; at most 1."""
        before = self.mover.attention["IO"] - self.mover.attention["S1"]
        return min(before, self.turned_s1 - self.turned_io)

    @property
    def holds(self) -> bool:
        """Whether this is a two-stage circuit by the stated limits."""
        return (
            self.swapped_ratio < 0
            and self.mover.attention["IO"] >= MOVER_TO_IO
            and self.mover.attention["S1"] <= MOVER_TO_S1
            and self.turned_s1 >= MOVER_TO_IO
            and self.turned_io <= MOVER_TO_S1
            and self.mover.lost >= MOVER_LOST
        )


def score_cells(model: GPT2LMHeadModel, cells: list[Cell]) -> list[CellScore]:
    """Accuracy and logit difference of every cell."""
    return [_score_cell(model, cell) for cell in cells]


def accuracy_by_order(scores: Sequence[CellScore]) -> dict[str, float]:
    """Mean accuracy over templates, for each order."""
    orders = sorted({score.order for score in scores})
    return {order: _mean([score.accuracy for score in scores if score.order == order]) for order in orders}


def score_heads(model: GPT2LMHeadModel, runs: list[CellRuns]) -> list[HeadScore]:
    """Every head's attention and effects at END, averaged over cells of equal size."""
    return [
        _score_head(model, runs, layer, head)
        for layer in range(model.config.n_layer)
        for head in range(model.config.n_head)
    ]


def two_stages(model: GPT2LMHeadModel, runs: list[CellRuns], heads: list[HeadScore]) -> list[TwoStages]:
    """Every head with the readers before it: those that hold first, then by clarity."""
    clean = _clean_difference(runs)
    found = []
    for layer in range(1, model.config.n_layer):
        readers = tuple(head for head in heads if head.layer < layer and head.attention["S2"] >= READER_TO_S2)
        swapped, turned = _replaced(model, runs, [(head.layer, head.head) for head in readers], "swapped")
        found += [
            TwoStages(readers, head, swapped / clean, *turned[layer, head.head, :2].tolist())
            for head in heads
            if head.layer == layer
        ]
    return sorted(found, key=lambda stages: (stages.holds, stages.clarity), reverse=True)


@dataclass(frozen=True)
class CellRuns:
    """A cell with its three plain runs, which every head's score shares."""

    cell: Cell
    clean: EndRun
    fresh: EndRun
    swapped: EndRun

    @classmethod
    def of(cls, model: GPT2LMHeadModel, cell: Cell) -> CellRuns:
        """Runs the model on the cell's clean, fresh-name and swapped prompts."""
        runs = (run_at_end(model, tokens) for tokens in (cell.clean, cell.fresh, cell.swapped))
        return cls(cell, *runs)


def _score_cell(model: GPT2LMHeadModel, cell: Cell) -> CellScore:
    clean, fresh = run_at_end(model, cell.clean), run_at_end(model, cell.fresh)
    difference = _logit_difference(clean, cell)
    return CellScore(
        template=cell.template,
        order=cell.order,
        accuracy=(difference > 0).float().mean().item(),
        top1=(clean.logits.argmax(-1) == cell.answer).float().mean().item(),
        logit_difference=difference.mean().item(),
        fresh_logit_difference=_logit_difference(fresh, cell).mean().item(),
    )


def _score_head(model: GPT2LMHeadModel, runs: list[CellRuns], layer: int, head: int) -> HeadScore:
    attention = torch.stack([_role_attention(run.clean, run.cell) for run in runs]).mean(0)
    clean = _clean_difference(runs)
    fresh, _ = _replaced(model, runs, [(layer, head)], "fresh")
    swapped, _ = _replaced(model, runs, [(layer, head)], "swapped")
    return HeadScore(
        layer=layer,
        head=head,
        attention=dict(zip(ROLES, attention[layer, head].tolist(), strict=True)),
        lost=(clean - fresh) / clean,
        swapped_ratio=swapped / clean,
    )


def _replaced(
    model: GPT2LMHeadModel, runs: list[CellRuns], heads: list[tuple[int, int]], source: str
) -> tuple[float, Float[Tensor, "layer head role"]]:
    """Logit difference and attention with the END values of (layer, head)s taken from the `source` run."""
    differences, attention = [], []
    for run in runs:
        donor: EndRun = getattr(run, source)
        values = [HeadValue(layer, head, donor.z[layer, :, head]) for layer, head in heads]
        changed = run_at_end(model, run.cell.clean, *values)
        differences.append(_logit_difference(changed, run.cell).mean().item())
        attention.append(_role_attention(changed, run.cell))
    return _mean(differences), torch.stack(attention).mean(0)


def _clean_difference(runs: list[CellRuns]) -> float:
    return _mean([_logit_difference(run.clean, run.cell).mean().item() for run in runs])


def _role_attention(run: EndRun, cell: Cell) -> Float[Tensor, "layer head role"]:
    return run.attention[..., [cell.positions[role] for role in ROLES]].mean(1)


def _logit_difference(run: EndRun, cell: Cell) -> Float[Tensor, "batch"]:
    rows = torch.arange(len(cell.answer))
    return run.logits[rows, cell.answer] - run.logits[rows, cell.foil]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)

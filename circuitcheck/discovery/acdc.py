"""ACDC: edges are cut one after the other, from the logits back, and stay cut where little is lost by it.

In: a model, prompts, a threshold. Out: `Acdc`: the edges that are left, and what each edge's cut did when its turn came.
Conmy et al. 2023, algorithm 1. Exact, one pass per edge, and dependent on the order: of two edges that stand in for each
other, the first to come is cut. Edges into what nobody reads any more are cut without a pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from circuitcheck.discovery.cutting import CutBatch
from circuitcheck.discovery.gradients import batches
from circuitcheck.discovery.scores import Drawn, Edge, Scores
from circuitcheck.discovery.wiring import Reader, Wiring
from circuitcheck.engine import MetricName, Progress, Values
from circuitcheck.engines.models import LensModel
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import ALL, Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet


@dataclass(frozen=True)
class Acdc:
    """What is left after all cuts.

    `scores` hold, per edge, by how much its cut moved the metric away from the clean run's when its turn came, on top
    of the cuts before; 0 where nobody read its reader any more.
    """

    scores: Scores[Edge]
    kept: tuple[Edge, ...]
    threshold: float


def acdc(
    model: LensModel,
    prompts: PromptSet,
    *,
    threshold: float,
    metric: MetricName = "kl",
    progress: Progress | None = None,
) -> Acdc:
    """Cut what moves the mean metric by less than `threshold` (in its units) further away from the clean run.

    Raises:
        MeasurementError: for a threshold that is not above zero, or an architecture whose edges cannot be told apart.
    """
    if threshold <= 0:
        msg = f"the threshold is {threshold}, and every edge would stay; write one above 0, such as 0.01."
        raise MeasurementError(msg)
    wiring = Wiring(model)
    wiring.check()
    pieces = [CutBatch(wiring, batch) for batch in batches(model, prompts, metric)]
    return _Walk(wiring, prompts, pieces, metric, threshold, progress).walked()


@dataclass
class _Walk:
    """One walk over all edges; `cut` is what is cut so far."""

    wiring: Wiring
    prompts: PromptSet
    pieces: list[CutBatch]
    metric: MetricName
    threshold: float
    progress: Progress | None
    passes: int = 0
    _cut: set[tuple[int, int]] = field(default_factory=set)

    def walked(self) -> Acdc:
        edges = self.wiring.edges(ALL)[::-1]
        scores = np.zeros((len(edges), len(self.prompts)))
        current = self._away(set())
        for number, edge in enumerate(edges):
            place = self._place(edge)
            if not self._is_read(edge.target):
                self._cut.add(place)
                continue
            tried = self._away(self._cut | {place})
            scores[number] = tried - current
            if abs(tried.mean()) - abs(current.mean()) < self.threshold:
                self._cut.add(place)
                current = tried
            if self.progress is not None:
                self.progress(number + 1, len(edges), "edges")
        kept = tuple(edge for edge in edges[::-1] if self._place(edge) not in self._cut)
        found = Scores(
            "acdc", edges[::-1], scores[::-1], Drawn.of(self.prompts), self.prompts.strata, 2.0 + self.passes
        )
        return Acdc(found, kept, self.threshold)

    def _away(self, cut: set[tuple[int, int]]) -> Values:
        """How far each prompt's metric is from the clean run's with these edges cut."""
        values = np.full(len(self.prompts), np.nan)
        for piece in self.pieces:
            values[piece.batch.rows] = piece.metric(self._table(cut)).cpu().numpy()
        self.passes += 1
        return self._clean - values if self.metric != "kl" else values

    @cached_property
    def _clean(self) -> Values:
        values = np.full(len(self.prompts), np.nan)
        for piece in self.pieces:
            values[piece.batch.rows] = piece.metric(self._table(set())).cpu().numpy()
        return values

    def _table(self, cut: set[tuple[int, int]]) -> Tensor:
        table = torch.zeros(len(self.wiring.senders), len(self.wiring.readers), dtype=torch.bool)
        for place in cut:
            table[place] = True
        return table

    def _place(self, edge: Edge) -> tuple[int, int]:
        source, target = replace(edge.source, at=""), edge.target and replace(edge.target, at="")
        return self.wiring.senders.index(source), self.wiring.readers.index(target)

    def _is_read(self, target: Reader) -> bool:
        """Whether anything reads what the reader's head or MLP writes."""
        if target is None:
            return True
        return any(
            self.wiring.reads(sender, reader) and (place, column) not in self._cut
            for place, sender in enumerate(self.wiring.senders)
            if self._is_of(sender, target)
            for column, reader in enumerate(self.wiring.readers)
        )

    def _is_of(self, sender: Node, target: Node) -> bool:
        """Whether the sender writes what comes of the reader."""
        if target.kind is NodeKind.MLP:
            return sender.kind is NodeKind.MLP and sender.layer == target.layer
        if sender.kind is not NodeKind.HEAD or sender.layer != target.layer or sender.head is None:
            return False
        shape = self.wiring.model.shape
        group = sender.head // (shape.n_heads // shape.n_kv_heads)
        return target.head == sender.head if target.group is None else target.group == group

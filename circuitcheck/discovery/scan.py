"""Scans: the same intervention at every node of a group, one node at a time, in one call of the engine.

In: nodes with positions, prompts. Out: the metric of each prompt under each node's intervention. Exact, so
that it is the measure of methods that only estimate what a node does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitcheck.discovery.scores import Drawn, Scores
from circuitcheck.engine import (
    Condition,
    Engine,
    MetricName,
    MetricReading,
    Plan,
    Progress,
    Replace,
    Request,
    Shape,
    Side,
    Source,
    Values,
)
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet

NOISING = Source("corrupt")
"""Into the clean side: what is lost without the node's clean value."""
DENOISING = Source("clean")
"""Into the corrupt side: what the node's clean value brings back."""


@dataclass(frozen=True)
class Scan:
    """What a metric became under each node's intervention.

    `values` and `changes` have shape (nodes, n), in the order of `nodes` and of the prompts; `changes` says
    by how much each node itself changed, relative to its size. `untouched`, shape (n,), is the metric of the
    same side without any intervention.
    """

    nodes: tuple[Node, ...]
    untouched: Values
    values: NDArray[np.float64]
    changes: NDArray[np.float64]

    @property
    def effects(self) -> NDArray[np.float64]:
        """Untouched minus intervened, shape (nodes, n): positive where the node held the metric up."""
        effects: NDArray[np.float64] = self.untouched - self.values
        return effects

    def ranked(self) -> list[tuple[Node, float]]:
        """Nodes with their mean effects, the largest in size first."""
        means = self.effects.mean(1)
        return [
            (self.nodes[place], float(means[place])) for place in np.argsort(-np.abs(means), kind="stable")
        ]


def scan(
    engine: Engine,
    nodes: Iterable[Node],
    prompts: PromptSet,
    *,
    side: Side = "clean",
    source: Source = NOISING,
    metric: MetricName = "logit_diff",
    references: PromptSet | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Replace each node's value by the source's, alone, and read the metric.

    `references` are the prompts that the source mean averages over.

    Raises:
        MeasurementError: when there is nothing to scan, a node has no position, or the engine cannot do it.
    """
    nodes = tuple(dict.fromkeys(nodes))
    _check(nodes)
    reading = MetricReading(metric)
    untouched = Request(Condition(side), reading)
    requests = [Request(Condition(side, Replace((node,), source)), reading) for node in nodes]
    known = prompts.subset([]) if references is None else references
    measured = engine.measure(Plan((untouched, *requests)), prompts, known, progress)
    return Scan(
        nodes,
        measured.values[untouched],
        np.stack([measured.values[request] for request in requests]),
        np.stack([measured.changes[request.condition][:, 0] for request in requests]),
    )


def exact_scores(
    engine: Engine,
    nodes: Iterable[Node],
    prompts: PromptSet,
    *,
    denoising: bool = False,
    metric: MetricName = "logit_diff",
    progress: Progress | None = None,
) -> Scores[Node]:
    """What each node's clean value holds up, by replacing it alone: lost without it, or brought back by it.

    Noising puts the corrupt value into the clean side, denoising the clean value into the corrupt side. The cost is
    that of whole passes; the engine computes less.

    Raises:
        MeasurementError: as `scan`.
    """
    side: Side = "corrupt" if denoising else "clean"
    source = DENOISING if denoising else NOISING
    found = scan(engine, nodes, prompts, side=side, source=source, metric=metric, progress=progress)
    held = -found.effects if denoising else found.effects
    method = "scan-denoising" if denoising else "scan"
    return Scores(method, found.nodes, held, Drawn.of(prompts), prompts.strata, 2.0 + len(found.nodes))


def heads_of(shape: Shape, at: str, layers: Sequence[int] | None = None) -> tuple[Node, ...]:
    """Every head of these layers (default: of all), at one position."""
    layers = range(shape.n_layers) if layers is None else layers
    return tuple(
        Node(NodeKind.HEAD, layer, head=head, at=at) for layer in layers for head in range(shape.n_heads)
    )


def active_features(
    engine: Engine, place: Node, prompts: PromptSet, *, least_rate: float = 0.0
) -> tuple[Node, ...]:
    """Every feature of a dictionary that fires on more than this share of clean prompts.

    `place` is the dictionary's error node at the position in question, such as `L2.z/error@END`.
    """
    rates = engine.profile(place, prompts).rate
    return tuple(
        Node(NodeKind.FEATURE, place.layer, index=int(index), dictionary=place.dictionary, at=place.at)
        for index in np.flatnonzero(rates > least_rate)
    )


def _check(nodes: Sequence[Node]) -> None:
    if not nodes:
        msg = "there are no nodes to scan; name one or more, or choose prompts on which some feature fires."
        raise MeasurementError(msg)
    if unplaced := [node for node in nodes if not node.at]:
        msg = f"{unplaced[0].name} has no position to scan it at; write it as {unplaced[0].name}@END."
        raise MeasurementError(msg)

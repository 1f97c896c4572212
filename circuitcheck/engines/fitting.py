"""How well a dictionary stands in for what it reconstructs, at one layer and position.

In: an error node, clean prompts. Out: `Fit`.
"""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engine import (
    CLEAN,
    Condition,
    Fit,
    Measurement,
    MetricReading,
    Plan,
    Request,
    Splice,
)
from circuitcheck.engines.batches import nothing_to_look_up, rows_in_batches
from circuitcheck.engines.dictionaries import Dictionary
from circuitcheck.engines.library import Library
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Treatment, run
from circuitcheck.engines.scene import Scene
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet

Measure = Callable[[Plan, PromptSet, PromptSet], Measurement]


Rows = dict[tuple[int, int], list[Tensor]]
"""Vectors of one (template, order) cell at one place."""


@dataclass
class _Tally:
    """What prompts showed: errors and targets per (cell, place), how often features fire."""

    errors: Rows = field(default_factory=lambda: defaultdict(list))
    targets: Rows = field(default_factory=lambda: defaultdict(list))
    active: list[Tensor] = field(default_factory=list)
    fired: list[Tensor] = field(default_factory=list)

    def add(
        self,
        dictionary: Dictionary,
        x: Float[Tensor, "batch places d_in"],
        target: Float[Tensor, "batch places d_out"],
        strata: list[int],
        features: tuple[int, ...],
    ) -> None:
        code = dictionary.encode(x)
        errors = dictionary.error(x, target)
        self.active.append((code > 0).sum(-1).double().flatten())
        self.fired.append((code[..., list(features)] > 0).any(1))
        for collected, values in ((self.errors, errors), (self.targets, target)):
            for stratum, rows in zip(strata, values.double(), strict=True):
                for place, row in enumerate(rows):
                    collected[stratum, place].append(row)

    @property
    def variance_explained(self) -> float:
        """1 - variance of the error / variance of the target, both within (template, order) and place."""
        total = _spread(self.targets)
        return 1 - _spread(self.errors) / total if total > 0 else float("nan")


def _spread(rows: Rows) -> float:
    """Sum of squares about the mean of each (cell, place)."""
    stacked = [torch.stack(vectors) for vectors in rows.values()]
    return sum(float((vectors - vectors.mean(0)).square().sum()) for vectors in stacked)


def fit(
    measure: Measure,
    library: Library,
    model: LensModel,
    place: Node,
    features: tuple[int, ...],
    prompts: PromptSet,
    batch_size: int,
) -> Fit:
    """See `Engine.fit`.

    `variance_explained` is 1 - Var(error) / Var(target), both about their means within (template, order),
    summed over dimensions, on clean prompts. An error that is the same on all prompts of a cell is not
    counted here: it changes no difference between prompts, and `kept` shows what it does to the metric.

    Raises:
        MeasurementError: when `place` is not an error node.
    """
    if place.kind is not NodeKind.ERROR:
        msg = f"{place.name} is not a dictionary's error; name the place as L2.z/error@END."
        raise MeasurementError(msg)
    dictionary = library.of(place)
    if beyond := [feature for feature in features if not 0 <= feature < dictionary.d_sae]:
        msg = f"feature {beyond[0]} is not in the dictionary of {place.name}, which has {dictionary.d_sae}."
        raise MeasurementError(msg)
    tally = _Tally()
    for group in prompts.groups:
        positions = Scene(model, library, prompts.subset(group)).positions(place.at)
        for rows in rows_in_batches(group.tolist(), batch_size):
            _tally_batch(tally, dictionary, model, prompts, rows, positions, features)
    firing = torch.cat(tally.fired).double().mean(0)
    return Fit(
        place=place,
        variance_explained=tally.variance_explained,
        kept=_kept(measure, place, prompts),
        l0=float(torch.cat(tally.active).mean()),
        firing={feature: float(share) for feature, share in zip(features, firing, strict=True)},
    )


def _tally_batch(
    tally: _Tally,
    dictionary: Dictionary,
    model: LensModel,
    prompts: PromptSet,
    rows: tuple[int, ...],
    positions: tuple[int, ...],
    features: tuple[int, ...],
) -> None:
    hooks = {dictionary.reads_from, dictionary.writes_to}
    tokens = [prompts.clean[row] for row in rows]
    seen = run(model, tokens, 0, record=hooks, treatment=Treatment(), lookup=nothing_to_look_up)
    x, target = (
        seen.recorded[hook].flatten(2)[:, positions] for hook in (dictionary.reads_from, dictionary.writes_to)
    )
    tally.add(dictionary, x, target, [int(prompts.strata[row]) for row in rows], features)


def kept_plan(place: Node, prompts: PromptSet) -> Plan:
    """The metric on the clean model, and with the error at zero there."""
    metric = MetricReading("logit_diff" if prompts.has_answers else "loss")
    return Plan((Request(CLEAN, metric), Request(Condition("clean", Splice((place,))), metric)))


def _kept(measure: Measure, place: Node, prompts: PromptSet) -> float:
    """What is left with the error at zero there, as a share of the clean model.

    Of the mean logit difference; of the probability per token (geometric mean), where prompts have no answer.
    """
    plan = kept_plan(place, prompts)
    clean, spliced = plan.requests
    values = measure(plan, prompts, prompts).values
    mean = float(values[clean].mean())
    if not prompts.has_answers:
        return math.exp(mean - float(values[spliced].mean()))
    return float(values[spliced].mean()) / mean if mean else float("nan")

"""How well a dictionary stands in for what it reconstructs, at one layer and position.

In: an error node, clean prompts. Out: `Fit`.
"""

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


@dataclass
class _Tally:
    """Sums over prompts: residuals, targets per (cell, place), how often features fire."""

    residual: float = 0.0
    targets: dict[tuple[int, int], list[Tensor]] = field(default_factory=lambda: defaultdict(list))
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
        self.residual += float(dictionary.error(x, target).double().square().sum())
        self.active.append((code > 0).sum(-1).double())
        self.fired.append((code[..., list(features)] > 0).any(1))
        for stratum, rows in zip(strata, target.double(), strict=True):
            for place, row in enumerate(rows):
                self.targets[stratum, place].append(row)

    @property
    def total(self) -> float:
        """Sum of squares of the target about the mean of its (template, order) and place."""
        stacked = [torch.stack(rows) for rows in self.targets.values()]
        return sum(float((rows - rows.mean(0)).square().sum()) for rows in stacked)


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

    `variance_explained` is 1 - SS_res/SS_tot: squared errors over squared deviations of the target from
    its mean within (template, order), summed over dimensions, on clean prompts.

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
    total, firing = tally.total, torch.cat(tally.fired).double().mean(0)
    return Fit(
        place=place,
        variance_explained=1 - tally.residual / total if total > 0 else float("nan"),
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


def _kept(measure: Measure, place: Node, prompts: PromptSet) -> float:
    """Mean logit difference with the error at zero there, as a share of the clean one."""
    metric = MetricReading("logit_diff")
    clean, spliced = Request(CLEAN, metric), Request(Condition("clean", Splice((place,))), metric)
    values = measure(Plan((clean, spliced)), prompts, prompts).values
    mean = float(values[clean].mean())
    return float(values[spliced].mean()) / mean if mean else float("nan")

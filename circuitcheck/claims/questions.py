"""What a claim asks of its numbers: one question per expectation, slice and, where each is judged, node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from circuitcheck.claims.conditions import Aliases, condition_of, nothing_kept
from circuitcheck.claims.planning import (
    INTERVENING,
    activation,
    attention,
    direct_write,
    heads_of,
    metric,
)
from circuitcheck.claims.quantities import (
    METRICS,
    OVER_RECOVERY,
    RANGES,
    RATES,
    TWO_SIDED,
    Ratio,
    Runs,
    ratio_of,
)
from circuitcheck.engine import CLEAN, CORRUPT, Measurement, MetricName, Request, Shape, Values
from circuitcheck.prompts.pairs import NO_ORDER, PromptSet
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.statistics import Sample, auroc_sample
from circuitcheck.thresholds import Threshold

Rows = NDArray[np.bool_]

LEAST_IN_STRATUM = 4
"""Prompts that a stratum needs before its own spread is used."""


@dataclass(frozen=True)
class Case:
    """A claim with all that was measured for it."""

    claim: Claim
    spec: CircuitSpec
    prompts: PromptSet
    measurement: Measurement
    mlp_aliases: Aliases = frozenset()
    shape: Shape | None = None

    def value(self, request: Request) -> Values:
        """The numbers of one request, shape (n,)."""
        return self.measurement.values[request]

    @cached_property
    def strata(self) -> NDArray[np.int64]:
        """The stratum of each prompt, shape (n,): its (template, order) cell.

        Its template alone where some cell has too few prompts for a spread of its own.
        """
        cells = self.prompts.strata
        if np.bincount(cells).min() >= LEAST_IN_STRATUM:
            return cells
        numbers = {template: i for i, template in enumerate(sorted({cell[0] for cell in self.prompts.cells}))}
        return np.array([numbers[template] for template, _ in self.prompts.cells], dtype=np.int64)


@dataclass(frozen=True)
class Question:
    """One threshold and the sample that is held against it.

    `slice` says which prompts or which node ("ABBA", "L2H0@END"; "" for all); `rows` which prompts.
    """

    quantity: str
    threshold: Threshold
    slice: str
    rows: Rows
    sample: Sample


def questions_of(case: Case) -> list[Question]:
    """Every question of a claim, in the order of its expectations."""
    asked = []
    for quantity, threshold in case.claim.thresholds.items():
        effective = two_sided(case.claim, quantity, threshold)
        for name, sample in samples_of(case, quantity):
            for slice_name, rows in slices(case):
                label = ", ".join(part for part in (name, slice_name) if part)
                asked.append(Question(quantity, effective, label, rows, _part_of(sample, rows)))
    return asked


def two_sided(claim: Claim, quantity: str, threshold: Threshold) -> Threshold:
    """The threshold with the upper end that a bare `>=` has on ratio, recovered and restored."""
    if quantity not in TWO_SIDED or threshold.low is None or threshold.high is not None:
        return threshold
    if claim.at_most == "none":
        return threshold
    high = OVER_RECOVERY if claim.at_most is None else float(claim.at_most)
    return Threshold(threshold.low, max(high, threshold.low), f"{threshold.text} and <= {high:g}")


def slices(case: Case) -> Iterator[tuple[str, Rows]]:
    """The prompts of each slice that `by` names; all prompts where it names none."""
    everything = np.ones(len(case.prompts), dtype=np.bool_)
    if not case.claim.slicing:
        yield "", everything
    for axis in case.claim.slicing:
        labels = [getattr(pair, axis) for pair in case.prompts.pairs]
        for label in sorted(set(labels)):
            name = "" if label == NO_ORDER else label
            yield name, np.array([each == label for each in labels])


def runs_of(case: Case) -> Runs:
    """The metric under each condition of an ablate, patch or keep claim."""
    name = case.claim.metric or case.spec.metric
    condition = condition_of(case.claim, case.spec, case.mlp_aliases)
    corrupt = metric(CORRUPT, name)
    ablated = metric(nothing_kept(condition), name) if case.claim.verb == "keep" else None
    return Runs(
        clean=case.value(metric(CLEAN, name)),
        intervened=case.value(metric(condition, name)),
        corrupt=case.measurement.values.get(corrupt),
        ablated=None if ablated is None else case.value(ablated),
    )


def samples_of(case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
    """Samples over all prompts: one, or one per node where each node must hold."""
    claim, strata = case.claim, case.strata
    condition = condition_of(claim, case.spec, case.mlp_aliases)
    if claim.verb == "attends":
        for head in heads_of(claim, case.spec):
            values = case.value(attention(condition, head, claim.to or ""))
            if claim.minus:
                values = values - case.value(attention(condition, head, claim.minus))
            yield str(head), Sample(values, None, strata, (-1.0 if claim.minus else 0.0, 1.0))
    elif claim.verb == "activates":
        for feature in claim.nodes(case.spec):
            values = case.value(activation(condition, feature))
            yield (
                str(feature),
                _activation_sample(case, quantity, feature_values=values, feature=str(feature)),
            )
    elif claim.verb == "writes":
        yield "", Sample(case.value(direct_write(claim, case.spec)), None, strata)
    elif quantity in METRICS:
        values = case.value(metric(condition, cast("MetricName", quantity)))
        yield "", Sample(values, None, strata, RANGES.get(quantity), rate=quantity in RATES)
    else:
        assert claim.verb in INTERVENING, f"{claim.verb} has no quantity {quantity}"
        yield "", _ratio_sample(ratio_of(quantity, runs_of(case), claim.metric or case.spec.metric), strata)


def _activation_sample(case: Case, quantity: str, *, feature_values: Values, feature: str) -> Sample:
    strata = case.strata
    if quantity == "rate":
        return Sample((feature_values > 0).astype(np.float64), None, strata, (0.0, 1.0), rate=True)
    if quantity == "mean":
        return Sample(feature_values, None, strata)
    node = next(node for node in case.claim.nodes(case.spec) if str(node) == feature)
    return auroc_sample(feature_values, case.value(activation(CORRUPT, node)), strata)


def _ratio_sample(ratio: Ratio, strata: NDArray[np.int64]) -> Sample:
    magnitude = float(np.abs(ratio.numerator if ratio.denominator is None else ratio.denominator).max())
    return Sample(ratio.numerator, ratio.denominator, strata, ratio.limits, magnitude=magnitude)


def _part_of(sample: Sample, rows: Rows) -> Sample:
    """The sample on some of its prompts."""
    if rows.all():
        return sample
    denominator = None if sample.denominator is None else sample.denominator[rows]
    return replace(
        sample, numerator=sample.numerator[rows], denominator=denominator, strata=sample.strata[rows]
    )

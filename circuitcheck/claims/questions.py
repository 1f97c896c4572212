"""What a claim asks of its numbers: one question per expectation, slice and, where each is judged, node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from circuitcheck.claims.case import Case
from circuitcheck.claims.quantities import OVER_RECOVERY, TWO_SIDED
from circuitcheck.claims.verbs import VERBS
from circuitcheck.prompts.pairs import NO_ORDER
from circuitcheck.spec import Claim
from circuitcheck.statistics import Sample
from circuitcheck.thresholds import Threshold

Rows = NDArray[np.bool_]


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


def samples_of(case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
    """Samples over all prompts: one, or one per node where each node must hold."""
    return VERBS[case.claim.verb].samples(case, quantity)


def _part_of(sample: Sample, rows: Rows) -> Sample:
    """The sample on some of its prompts."""
    if rows.all():
        return sample
    denominator = None if sample.denominator is None else sample.denominator[rows]
    return replace(
        sample, numerator=sample.numerator[rows], denominator=denominator, strata=sample.strata[rows]
    )

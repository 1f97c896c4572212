"""What a claim asks of its numbers: one question per expectation, slice and, where each is judged, node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from circuitcheck.claims.case import Case
from circuitcheck.claims.quantities import EITHER_WAY, OVER_RECOVERY, TWO_SIDED
from circuitcheck.claims.verbs import VERBS
from circuitcheck.prompts.pairs import NO_ORDER
from circuitcheck.spec import Claim
from circuitcheck.statistics import Sample, like_templates
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
    elsewhere: Case | None = None
    """What was measured on other prompts, where the question is about these; `rows` has none of the claim's own."""


def questions_of(case: Case) -> list[Question]:
    """Every question of a claim, in the order of its expectations; those about other prompts last."""
    return [*_own_questions(case), *_questions_elsewhere(case)]


def _questions_elsewhere(case: Case) -> Iterator[Question]:
    there, words = case.elsewhere, case.claim.elsewhere
    if there is None or words is None:
        return
    none = np.zeros(len(case.prompts), dtype=np.bool_)
    for question in _own_questions(there):
        label = ", ".join(filter(None, (f"elsewhere: {words.name}", question.slice)))
        yield replace(question, slice=label, rows=none, elsewhere=there)


def _own_questions(case: Case) -> list[Question]:
    asked = []
    for quantity, threshold in case.claim.thresholds.items():
        effective = two_sided(case.claim, quantity, threshold)
        for name, measured in samples_of(case, quantity):
            sample = _of_the_population(case, measured)
            for slice_name, rows in slices(case):
                label = ", ".join(part for part in (name, slice_name) if part)
                part = sample if rows.all() else sample.on(rows)
                asked.append(Question(quantity, effective, label, rows, part))
    return asked


def two_sided(claim: Claim, quantity: str, threshold: Threshold) -> Threshold:
    """The threshold with the end that a bare comparison has on some quantities.

    An upper one for `>=` on ratio, recovered and restored; a lower one for `<=` on gap and dependence.
    """
    if quantity in EITHER_WAY and threshold.high is not None:
        return Threshold(-threshold.high, threshold.high, f"{threshold.text} either way")
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


def _of_the_population(case: Case, sample: Sample) -> Sample:
    """The sample as it is judged: for the prompts of these templates, or for templates like these."""
    return sample if case.claim.generalises is None else like_templates(sample, case.templates)


def samples_of(case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
    """Samples over all prompts: one, or one per node where each node must hold."""
    return VERBS[case.claim.verb].samples(case, quantity)

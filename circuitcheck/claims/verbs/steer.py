"""`steer`: a metric with nodes made stronger or weaker, at one strength or at several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

import numpy as np

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import Aliases
from circuitcheck.claims.doses import Dose, doses_of
from circuitcheck.claims.quantities import METRICS, RANGES, RATES, Ratio
from circuitcheck.claims.requests import metric
from circuitcheck.claims.verbs.metrics import ratio_sample
from circuitcheck.engine import CLEAN, MetricName, Request, Values
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.statistics import Sample


class Steering:
    """A metric at every dose; `effect` against the clean run, `step` from one dose to the next, `slope` over all."""

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """Each metric that is named, and the claim's own, at every dose and without any."""
        own = claim.metric or spec.metric
        named = [cast("MetricName", quantity) for quantity in claim.thresholds if quantity in METRICS]
        conditions = [CLEAN, *(dose.condition for dose in doses_of(claim, spec))]
        return [metric(condition, name) for name in dict.fromkeys([own, *named]) for condition in conditions]

    def samples(self, case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
        """One for each dose, pair of neighbours, or in all."""
        doses = doses_of(case.claim, case.spec)
        if quantity in METRICS:
            yield from ((dose.label, _metric(case, quantity, dose)) for dose in doses)
        elif quantity == "effect":
            yield from (
                (dose.label, _difference(case, values_at(case, dose), clean_values(case)))
                for dose in doses
                if not dose.changes_nothing
            )
        elif quantity == "step":
            for lower, upper in pairwise(doses):
                label = f"{lower.label} to {upper.coefficient:g}"
                yield label, _difference(case, values_at(case, upper), values_at(case, lower))
        else:
            assert quantity == "slope", f"no quantity {quantity}"
            yield "", ratio_sample(Ratio(slopes(case, doses)), case.strata)


def clean_values(case: Case) -> Values:
    """The metric of the model as it is, shape (n,)."""
    return case.value(metric(CLEAN, case.metric))


def values_at(case: Case, dose: Dose) -> Values:
    """The metric at one dose, shape (n,)."""
    return case.value(metric(dose.condition, case.metric))


def slopes(case: Case, doses: Sequence[Dose]) -> Values:
    """Each prompt's least-squares slope of the metric over the coefficients, shape (n,); metric per coefficient."""
    from_middle = np.array([dose.coefficient for dose in doses])
    from_middle -= from_middle.mean()
    values = np.stack([values_at(case, dose) for dose in doses])
    return np.asarray(from_middle @ values / (from_middle @ from_middle), dtype=np.float64)


def before_and_after(case: Case, part: str) -> tuple[Values, Values]:
    """The metric that a part compares: clean and one dose, two neighbours, or the two ends; shape (n,) each."""
    doses = doses_of(case.claim, case.spec)
    label = part.split(", ")[0]
    for lower, upper in pairwise(doses):
        if label == f"{lower.label} to {upper.coefficient:g}":
            return values_at(case, lower), values_at(case, upper)
    named = next((dose for dose in doses if dose.label == label), None)
    if named is None:
        return values_at(case, doses[0]), values_at(case, doses[-1])
    return clean_values(case), values_at(case, named)


def dose_columns(case: Case) -> dict[str, Values]:
    """The metric per prompt by what was done: clean, and each dose that does something."""
    done = (dose for dose in doses_of(case.claim, case.spec) if not dose.changes_nothing)
    return {"clean": clean_values(case), **{dose.label: values_at(case, dose) for dose in done}}


def _metric(case: Case, quantity: str, dose: Dose) -> Sample:
    values = case.value(metric(dose.condition, cast("MetricName", quantity)))
    return Sample(values, None, case.strata, RANGES.get(quantity), rate=quantity in RATES)


def _difference(case: Case, after: Values, before: Values) -> Sample:
    low, high = RANGES.get(case.metric, (0.0, 0.0))
    limits = (low - high, high - low) if low < high else None
    return ratio_sample(Ratio(after - before, None, limits), case.strata)

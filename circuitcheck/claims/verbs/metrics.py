"""`measure`, `ablate`, `patch`, `keep`: a metric, with something done to the model or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import Aliases, condition_of, nothing_kept, with_errors_kept
from circuitcheck.claims.pairs_of_scores import COMPARED, paired_sample
from circuitcheck.claims.quantities import METRICS, RANGES, RATES, Ratio, Runs, needs_corrupt, ratio_of
from circuitcheck.claims.requests import metric
from circuitcheck.engine import CLEAN, CORRUPT, Condition, MetricName, Request
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.statistics import Sample


class Measure:
    """A metric of one side, as it is."""

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """The metrics that are expected something of."""
        return _named(claim, condition_of(claim, spec, mlp_aliases))

    def samples(self, case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
        """The metric per prompt."""
        yield "", metric_sample(case, quantity)


class Intervene(Measure):
    """A metric before and after something is done to the model."""

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """Before, after, and the corrupt side where a quantity needs it."""
        condition, name = condition_of(claim, spec, mlp_aliases), claim.metric or spec.metric
        requests = [*super().requests(claim, spec, mlp_aliases), metric(CLEAN, name), metric(condition, name)]
        if claim.verb == "patch" or any(needs_corrupt(quantity) for quantity in claim.thresholds):
            requests.append(metric(CORRUPT, name))
        return requests

    def samples(self, case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
        """The metric under the intervention, or a quantity that compares it with other runs."""
        if quantity in METRICS:
            yield from super().samples(case, quantity)
        elif quantity in COMPARED:
            yield "", paired_sample(case, quantity, runs_of(case))
        else:
            yield "", ratio_sample(ratio_of(quantity, runs_of(case), case.metric), case.strata)


class Keep(Intervene):
    """The same, where all is replaced but some nodes."""

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """Also with nothing kept, and with the dictionaries' errors kept, for the page."""
        condition, name = condition_of(claim, spec, mlp_aliases), claim.metric or spec.metric
        requests = [*super().requests(claim, spec, mlp_aliases), metric(nothing_kept(condition), name)]
        live = with_errors_kept(condition)
        return [*requests, metric(live, name)] if live else requests


def runs_of(case: Case) -> Runs:
    """The metric under each condition of a claim that intervenes."""
    condition, name = case.condition, case.metric
    ablated = metric(nothing_kept(condition), name) if case.claim.verb == "keep" else None
    return Runs(
        clean=case.value(metric(CLEAN, name)),
        intervened=case.value(metric(condition, name)),
        corrupt=case.measurement.values.get(metric(CORRUPT, name)),
        ablated=None if ablated is None else case.value(ablated),
    )


def metric_sample(case: Case, quantity: str) -> Sample:
    """A metric under the claim's condition."""
    values = case.value(metric(case.condition, cast("MetricName", quantity)))
    return Sample(values, None, case.strata, RANGES.get(quantity), rate=quantity in RATES)


def ratio_sample(ratio: Ratio, strata: NDArray[np.int64]) -> Sample:
    """A ratio of means; values smaller than rounding beside its largest count as flat."""
    magnitude = float(np.abs(ratio.numerator if ratio.denominator is None else ratio.denominator).max())
    return Sample(ratio.numerator, ratio.denominator, strata, ratio.limits, magnitude=magnitude)


def _named(claim: Claim, condition: Condition) -> list[Request]:
    return [
        metric(condition, cast("MetricName", quantity))
        for quantity in claim.thresholds
        if quantity in METRICS
    ]

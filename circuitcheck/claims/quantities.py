"""The quantities that claims expect, as a numerator and a denominator per prompt.

m is the metric on clean prompts, c on corrupt ones (scored with the clean pair's answer and foils),
a under the intervention, e with the whole scope of a keep ablated. A quantity is the ratio of means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from circuitcheck.engine import MetricName, Values

METRICS: frozenset[str] = frozenset(get_args(MetricName))

RANGES: Mapping[str, tuple[float, float]] = {
    "accuracy": (0.0, 1.0),
    "top1": (0.0, 1.0),
    "prob_diff": (-1.0, 1.0),
}
"""Metrics that cannot leave a range."""

RATES = frozenset({"accuracy", "top1", "rate"})
"""Quantities that are the share of prompts on which something holds."""

TWO_SIDED = frozenset({"ratio", "recovered", "restored"})
"""Quantities for which more than all of the behaviour is a failure too."""

EITHER_WAY = frozenset({"gap", "dependence"})
"""Quantities whose size is bounded, whatever their sign."""

OVER_RECOVERY = 1.2
"""Where a bare `>=` on a two-sided quantity ends, unless the file says otherwise."""


@dataclass(frozen=True)
class Runs:
    """The metric per prompt under each condition that a quantity may need, shape (n,) each."""

    clean: Values
    intervened: Values
    corrupt: Values | None = None
    ablated: Values | None = None


@dataclass(frozen=True)
class Ratio:
    """A quantity as numerator and denominator per prompt; no denominator means a plain mean."""

    numerator: Values
    denominator: Values | None = None
    limits: tuple[float, float] | None = None


def needs_corrupt(quantity: str) -> bool:
    """Whether the quantity reads the corrupt run."""
    return quantity in {"lost", "restored"}


def ratio_of(quantity: str, runs: Runs, metric: MetricName) -> Ratio:
    """The numerator and denominator of drop, lost, restored, ratio, recovered or effect.

    drop = (m-a)/m; lost = (m-a)/(m-c); restored = (a-c)/(m-c); ratio = a/m (Wang et al. 2023's
    faithfulness); recovered = (a-e)/(m-e) (Marks et al. 2024's); effect = a-m.
    """
    m, a = runs.clean, runs.intervened
    if quantity == "drop":
        return Ratio(m - a, m)
    if quantity == "ratio":
        return Ratio(a, m)
    if quantity == "effect":
        low, high = RANGES.get(metric, (0.0, 0.0))
        return Ratio(a - m, None, (low - high, high - low) if low < high else None)
    if quantity == "recovered":
        assert runs.ablated is not None, "recovered reads the run with everything ablated"
        return Ratio(a - runs.ablated, m - runs.ablated)
    assert runs.corrupt is not None, f"{quantity} reads the corrupt run"
    if quantity == "lost":
        return Ratio(m - a, m - runs.corrupt)
    assert quantity == "restored", f"no quantity {quantity}"
    return Ratio(a - runs.corrupt, m - runs.corrupt)

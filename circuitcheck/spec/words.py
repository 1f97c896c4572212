"""The words of the circuit-file language: verbs, what each may be told, and what each can measure.

One table per question, so that the checks, the JSON Schema and the messages cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from circuitcheck.engine import MetricName
from circuitcheck.nodes import NodeKind

VERBS = ("measure", "ablate", "patch", "keep", "attends", "activates", "writes")
INTERVENTIONS = ("ablate", "patch", "keep")
READINGS = frozenset({"attends", "activates"})
"""Verbs that replace nothing themselves, but may stand `under` an intervention."""
METRICS: tuple[str, ...] = get_args(MetricName)

LATER_VERBS = frozenset({"steer", "explains"})
LATER = LATER_VERBS | frozenset(
    {"path", "downstream", "for_all", "generalises"} | {"add", "scale", "set", "until", "from_hook", "mlps"}
)
"""Words of the design that this version refuses by name."""

COMMON = frozenset({"id", "says", "expect", "tags", "known_failure", "confidence", "by"})
_SOURCE = frozenset({"with", "over", "donors", "error", "corrupt", "metric"})
MODIFIERS: Mapping[str, frozenset[str]] = {
    "measure": frozenset({"corrupt"}),
    "ablate": _SOURCE | {"active_on", "at_most", "versus"},
    "patch": frozenset({"from", "into", "error", "corrupt", "metric", "active_on", "at_most", "versus"}),
    "keep": _SOURCE | {"scope", "at_most", "versus"},
    "attends": frozenset({"from", "to", "minus", "under", "corrupt", "versus"}),
    "activates": frozenset({"under", "corrupt", "versus"}),
    "writes": frozenset({"versus"}),
}
"""What each verb may be told, besides `COMMON`."""

UNDER_MODIFIERS: Mapping[str, frozenset[str]] = {
    "ablate": frozenset({"with", "over", "donors", "error"}),
    "patch": frozenset({"from", "into", "error"}),
    "keep": frozenset({"with", "over", "donors", "error", "scope"}),
}
"""The same for the intervention of `under`."""

_DERIVED: Mapping[str, tuple[str, ...]] = {
    "measure": (),
    "ablate": ("drop", "lost", "ratio", "effect"),
    "patch": ("restored", "lost", "drop", "ratio", "effect"),
    "keep": ("recovered", "ratio", "effect"),
}
QUANTITIES: Mapping[str, tuple[str, ...]] = {
    **{verb: (*derived, *METRICS) for verb, derived in _DERIVED.items()},
    "attends": ("attention",),
    "activates": ("rate", "mean", "auroc"),
    "writes": ("logits",),
}
"""What each verb can measure."""

_PLACES = frozenset(NodeKind) - {NodeKind.Q, NodeKind.K, NodeKind.V}
KINDS: Mapping[str, frozenset[NodeKind]] = {
    "ablate": frozenset(NodeKind),
    "patch": frozenset(NodeKind),
    "keep": frozenset({NodeKind.HEAD, NodeKind.FEATURE, NodeKind.ERROR, NodeKind.MLP, NodeKind.NEURON}),
    "attends": frozenset({NodeKind.HEAD}),
    "activates": frozenset({NodeKind.FEATURE}),
    "writes": _PLACES,
}
"""The kinds of node that each verb takes."""

TWO_SIDED = frozenset({"ratio", "recovered", "restored"})
"""Quantities of which more than all is a failure too, above `OVER_RECOVERY`."""
OVER_RECOVERY = 1.2
LESS_IS_BETTER = frozenset({"loss"})
"""Metrics of which nothing can be lost, restored or recovered as a share, since less of them is better."""
WITH_A_ZERO = frozenset({"logit_diff", "prob_diff"})
"""Metrics of which a share makes sense: zero means no preference, and higher is better."""


@dataclass(frozen=True)
class Range:
    """Where a quantity lies; a fraction may leave 0 to 1 a little, but nobody means 80 by it."""

    low: float = -math.inf
    high: float = math.inf
    fraction: bool = False


_SHARE = Range(0.0, 1.0)
_FRACTION = Range(-2.0, 2.0, fraction=True)
RANGES: Mapping[str, Range] = {
    "accuracy": _SHARE,
    "top1": _SHARE,
    "rate": _SHARE,
    "auroc": _SHARE,
    "attention": _SHARE,
    "prob_diff": Range(-1.0, 1.0),
    "log_prob": Range(high=0.0),
    "kl": Range(low=0.0),
    "rank": Range(low=0.0),
    "loss": Range(low=0.0),
    "drop": _FRACTION,
    "lost": _FRACTION,
    "ratio": _FRACTION,
    "restored": _FRACTION,
    "recovered": _FRACTION,
}
"""Quantities that cannot be just any number."""

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

VERBS = (
    "measure",
    "ablate",
    "patch",
    "keep",
    "steer",
    "complete",
    "minimal",
    "attends",
    "activates",
    "writes",
)
INTERVENTIONS = ("ablate", "patch", "keep")
KEEPING = frozenset({"keep", "complete", "minimal"})
"""Verbs that replace everything but the nodes that they name, or some of these."""
READINGS = frozenset({"attends", "activates"})
"""Verbs that replace nothing themselves, but may stand `under` an intervention."""
METRICS: tuple[str, ...] = get_args(MetricName)

LATER_VERBS = frozenset({"explains"})
"""Words of the design that this version refuses by name."""

COMMON = frozenset({"id", "says", "expect", "tags", "known_failure", "confidence", "by", "generalises"})
_SOURCE = frozenset({"with", "over", "donors", "error", "corrupt", "metric"})
_REACH = frozenset({"downstream", "mlps", "from_hook", "until"})
MODIFIERS: Mapping[str, frozenset[str]] = {
    "measure": frozenset({"corrupt", "for_all"}),
    "ablate": _SOURCE | _REACH | {"active_on", "at_most", "versus", "for_all", "elsewhere"},
    "patch": _REACH
    | {"from", "into", "path", "error", "corrupt", "metric", "active_on", "at_most", "versus", "for_all"}
    | {"elsewhere"},
    "keep": _SOURCE | {"scope", "at_most", "versus", "for_all", "elsewhere"},
    "complete": _SOURCE | {"scope", "subsets"},
    "minimal": _SOURCE | {"scope", "versus"},
    "steer": frozenset({"add", "scale", "set", "error", "metric", "active_on", "versus", "elsewhere"}),
    "attends": frozenset({"from", "to", "minus", "under", "corrupt", "versus", "for_all"}),
    "activates": frozenset({"under", "corrupt", "versus", "for_all"}),
    "writes": frozenset({"versus", "for_all"}),
}
"""What each verb may be told, besides `COMMON`."""

UNDER_MODIFIERS: Mapping[str, frozenset[str]] = {
    "ablate": _REACH | {"with", "over", "donors", "error"},
    "patch": _REACH | {"from", "into", "path", "error"},
    "keep": frozenset({"with", "over", "donors", "error", "scope"}),
}
"""The same for the intervention of `under`."""

_DERIVED: Mapping[str, tuple[str, ...]] = {
    "measure": (),
    "ablate": ("drop", "lost", "ratio", "effect", "dependence"),
    "patch": ("restored", "lost", "drop", "ratio", "effect"),
    "keep": ("recovered", "ratio", "effect", "wins"),
    "steer": ("effect", "step", "slope"),
}
QUANTITIES: Mapping[str, tuple[str, ...]] = {
    **{verb: (*derived, *METRICS) for verb, derived in _DERIVED.items()},
    "complete": ("gap",),
    "minimal": ("loses",),
    "attends": ("attention",),
    "activates": ("rate", "mean", "auroc"),
    "writes": ("logits",),
}
"""What each verb can measure."""

_KEPT = frozenset({NodeKind.HEAD, NodeKind.FEATURE, NodeKind.ERROR, NodeKind.MLP, NodeKind.NEURON})
_PLACES = frozenset(NodeKind) - {NodeKind.Q, NodeKind.K, NodeKind.V}
KINDS: Mapping[str, frozenset[NodeKind]] = {
    "ablate": frozenset(NodeKind),
    "patch": frozenset(NodeKind),
    "keep": _KEPT,
    "complete": _KEPT,
    "minimal": _KEPT,
    "steer": _PLACES - {NodeKind.ERROR, NodeKind.EMBED},
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
    "gap": _FRACTION,
    "loses": Range(0.0, 2.0, fraction=True),
    "wins": _SHARE,
    "dependence": Range(-1.0, 1.0),
}
"""Quantities that cannot be just any number."""

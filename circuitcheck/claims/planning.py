"""What each claim needs measured: its requests, each a number per prompt."""

from __future__ import annotations

from circuitcheck.claims.conditions import Aliases
from circuitcheck.claims.verbs import VERBS
from circuitcheck.engine import KeepOnly, Replace, Request, Route
from circuitcheck.spec import CircuitSpec, Claim

INTERVENING = frozenset({"ablate", "patch", "keep", "steer"})
"""Verbs of a metric before and after."""


def requests_of(claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
    """Everything that judging the claim reads."""
    return VERBS[claim.verb].requests(claim, spec, mlp_aliases)


def uses_reference_set(requests: list[Request]) -> bool:
    """Whether any request averages over the reference set."""
    interventions = [request.condition.intervention for request in requests]
    return any(
        isinstance(done, Replace | KeepOnly | Route)
        and (done.source.kind == "mean" or done.error == "reference")
        for done in interventions
    )

"""What each claim needs measured: its requests, each a number per prompt."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from circuitcheck.claims.conditions import Aliases, condition_of, nothing_kept, with_errors_kept
from circuitcheck.claims.quantities import METRICS, needs_corrupt
from circuitcheck.engine import (
    CLEAN,
    CORRUPT,
    ActivationReading,
    AttentionReading,
    Condition,
    KeepOnly,
    MetricName,
    MetricReading,
    Replace,
    Request,
    WriteReading,
)
from circuitcheck.nodes import Node
from circuitcheck.spec import CircuitSpec, Claim

INTERVENING = frozenset({"ablate", "patch", "keep"})


def requests_of(claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
    """Everything that judging the claim reads."""
    condition = condition_of(claim, spec, mlp_aliases)
    if claim.verb == "attends":
        heads = heads_of(claim, spec)
        targets = [claim.to, claim.minus] if claim.minus else [claim.to]
        return [attention(condition, head, to) for head in heads for to in targets if to]
    if claim.verb == "activates":
        sides = [condition, CORRUPT] if "auroc" in claim.thresholds else [condition]
        return [activation(side, feature) for side in sides for feature in claim.nodes(spec)]
    if claim.verb == "writes":
        return [direct_write(claim, spec)]
    return _metric_requests(claim, condition, claim.metric or spec.metric)


def metric(condition: Condition, name: MetricName) -> Request:
    """One metric under one condition."""
    return Request(condition, MetricReading(name))


def attention(condition: Condition, head: Node, to: str) -> Request:
    """Attention of `head`, from its position, to `to`."""
    return Request(condition, AttentionReading(head, to))


def activation(condition: Condition, feature: Node) -> Request:
    """Activation of one feature at its position."""
    return Request(condition, ActivationReading(feature))


def direct_write(claim: Claim, spec: CircuitSpec) -> Request:
    """What the claim's nodes together write on answer minus foil, on clean prompts."""
    return Request(CLEAN, WriteReading(claim.nodes(spec)))


def heads_of(claim: Claim, spec: CircuitSpec) -> tuple[Node, ...]:
    """The heads of an `attends` claim, at the position that they attend from."""
    heads = claim.nodes(spec)
    return tuple(replace(head, at=claim.from_) for head in heads) if claim.from_ else heads


def uses_reference_set(requests: list[Request]) -> bool:
    """Whether any request averages over the reference set."""
    interventions = [request.condition.intervention for request in requests]
    return any(
        isinstance(done, Replace | KeepOnly) and (done.source.kind == "mean" or done.error == "reference")
        for done in interventions
    )


def _metric_requests(claim: Claim, condition: Condition, name: MetricName) -> list[Request]:
    named = [cast("MetricName", quantity) for quantity in claim.thresholds if quantity in METRICS]
    requests = [metric(condition, each) for each in named]
    if claim.verb not in INTERVENING:
        return requests
    requests += [metric(CLEAN, name), metric(condition, name)]
    if claim.verb == "patch" or any(needs_corrupt(quantity) for quantity in claim.thresholds):
        requests.append(metric(CORRUPT, name))
    if claim.verb == "keep":
        requests.append(metric(nothing_kept(condition), name))
        live = with_errors_kept(condition)
        requests += [metric(live, name)] if live else []
    return requests

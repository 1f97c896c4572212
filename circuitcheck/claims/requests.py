"""The requests that verbs are made of: one number per prompt each."""

from __future__ import annotations

from dataclasses import replace

from circuitcheck.engine import (
    CLEAN,
    ActivationReading,
    AttentionReading,
    Condition,
    MetricName,
    MetricReading,
    Request,
    WriteReading,
)
from circuitcheck.nodes import Node
from circuitcheck.spec import CircuitSpec, Claim


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

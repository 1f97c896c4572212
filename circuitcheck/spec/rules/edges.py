"""Edges: a writes to the residual stream of its own position only, and b reads it later in the model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from circuitcheck.nodes import Node, NodeKind
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.groups import Edge
from circuitcheck.spec.rules.mentions import Mention
from circuitcheck.spec.rules.order import TextOrder
from circuitcheck.spec.rules.sites import site_of, stages

INPUTS = frozenset({NodeKind.Q, NodeKind.K, NodeKind.V})
_DICTIONARY = frozenset({NodeKind.FEATURE, NodeKind.ERROR})


def edge_faults(draft: Draft) -> Iterator[Fault]:
    """Edges that no model can have; one fault for each edge."""
    order = TextOrder(draft)
    for number, written in draft.edges.items():
        if message := why_impossible(draft, order, written.edge):
            yield Fault(("edges", number, "edge"), message)


def why_impossible(draft: Draft, order: TextOrder, edge: Edge) -> str:
    """Why no model has the edge between some two of its nodes; "" where all could be."""
    sources, targets = (Mention((), end).nodes(draft) for end in (edge.source, edge.target))
    said = (_fault(draft, order, edge, a, b) for a, b in product(sources, targets))
    return next(filter(None, said), "")


def _fault(draft: Draft, order: TextOrder, edge: Edge, source: Node, target: Node) -> str:
    return (
        _cannot_write(source)
        or _cannot_read(draft, edge, target)
        or _not_upstream(draft, source, target)
        or _misplaced(order, edge, source, target)
    )


def _cannot_write(source: Node) -> str:
    if source.kind in INPUTS:
        return f"{source} is an input, and writes nothing. Name the head itself, or what it reads."
    return ""


def _cannot_read(draft: Draft, edge: Edge, target: Node) -> str:
    site = site_of(draft, target) if target.kind in _DICTIONARY else None
    if edge.input == "in":
        reads = target.kind in {NodeKind.MLP, NodeKind.NEURON} or (
            target.kind in _DICTIONARY and site in {"mlp", None}
        )
        return (
            ""
            if reads
            else f"{target} has no input (in), which is an MLP's. Write (q), (k) or (v) for a head."
        )
    if target.kind is NodeKind.HEAD:
        return ""
    if target.kind is NodeKind.ATTN or (target.kind in _DICTIONARY and site in {"attn", None}):
        return f"{target} is made by all heads of its layer. Name the heads that read, as in L{target.layer}H0@{target.at}."
    if target.kind in INPUTS:
        return (
            f"{target} is an input already. Name the head, as in {target.name.partition('.')[0]}@{target.at}."
        )
    return f"{target} has no input ({edge.input}), which is a head's. Write (in) for an MLP."


def _not_upstream(draft: Draft, source: Node, target: Node) -> str:
    if stages(draft, source)[0] < stages(draft, target)[1]:
        return ""
    return f"{source} does not lie upstream of {target}, so it cannot read it. Turn the edge round, or delete it."


def _misplaced(order: TextOrder, edge: Edge, source: Node, target: Node) -> str:
    relations = order.relations(source.at, target.at)
    if edge.input in {"q", "in"}:
        if relations <= {"same"}:
            return ""
        return (
            f"{source} writes at {source.at} only, and ({edge.input}) of {target} reads at {target.at}. "
            "Place both at one position" + (", or write (k) or (v)." if edge.input == "q" else ".")
        )
    if "after" not in relations:
        return ""
    where = "" if relations == {"after"} else " in some of the prompts"
    return (
        f"{source.at} comes after {target.at}{where}, and attention does not look ahead. Swap the positions."
    )

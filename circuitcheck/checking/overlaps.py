"""Warnings where a claim names a head and a feature of the same head's output."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from circuitcheck.checking.bench import Bench
from circuitcheck.nodes import ALL, ALL_WITH_BOS, Node, NodeKind
from circuitcheck.spec import CircuitSpec
from circuitcheck.uses import nodes_of
from circuitcheck.verdict import Verdict

EVERYWHERE = frozenset({ALL, ALL_WITH_BOS})


def warned(verdict: Verdict, spec: CircuitSpec, bench: Bench) -> Verdict:
    """The verdict with a warning for each head that outranks a feature named beside it."""
    claim = next(claim for claim in spec.claims if claim.id == verdict.claim)
    nodes = nodes_of(claim, spec)
    heads = [node for node in nodes if node.kind is NodeKind.HEAD]
    features = [node for node in nodes if node.kind is NodeKind.FEATURE]
    pairs = [(head, feature) for head, feature in product(heads, features) if _meet(head, feature, bench)]
    found = tuple(_overlap(head, feature, bench) for head, feature in pairs)
    return replace(verdict, warnings=verdict.warnings + found) if found else verdict


def _meet(head: Node, feature: Node, bench: Bench) -> bool:
    if head.layer != feature.layer or feature.dictionary is None:
        return False
    together = head.at == feature.at or bool({head.at, feature.at} & EVERYWHERE)
    return together and bench.dictionary(feature.dictionary, feature.layer or 0).site == "z"


def _overlap(head: Node, feature: Node, bench: Bench) -> str:
    share = bench.dictionaries.share_in_head(feature, head.head or 0, bench.engine.shape.n_heads)
    return (
        f"overlap: {head} outranks {feature}, which has {share:.0%} of its decoder norm in that head; "
        "name one of them"
    )

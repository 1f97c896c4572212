"""From the words of a claim to the conditions under which the model is run."""

from __future__ import annotations

from circuitcheck.engine import (
    CLEAN,
    Condition,
    ErrorPolicy,
    KeepOnly,
    Replace,
    Scope,
    Side,
    Source,
)
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.spec import CircuitSpec, Claim, Under

Aliases = frozenset[str]
"""Dictionary aliases that write an MLP's output (transcoders and MLP SAEs)."""


def condition_of(claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> Condition:
    """The condition that the claim is about: `a` of its quantities, or the side that it measures."""
    if claim.verb == "measure":
        return Condition(claim.measure or "clean")
    words = claim if claim.verb in {"ablate", "patch", "keep"} else claim.under
    return CLEAN if words is None else _intervention(words, words.nodes(spec), mlp_aliases)


def nothing_kept(condition: Condition) -> Condition:
    """`e` of the quantities: the whole scope of a keep, ablated the same way.

    Where no feature is kept the error policy says nothing, so all policies share one run.
    """
    keep = condition.intervention
    assert isinstance(keep, KeepOnly), "only a keep has a whole scope"
    return Condition(condition.side, KeepOnly((), keep.source, keep.scope))


def with_errors_kept(condition: Condition) -> Condition | None:
    """The same keep with the dictionaries' errors live, or None where no feature is kept."""
    keep = condition.intervention
    if not isinstance(keep, KeepOnly) or keep.error == "live":
        return None
    if all(node.kind is not NodeKind.FEATURE for node in keep.nodes):
        return None
    return Condition(condition.side, KeepOnly(keep.nodes, keep.source, keep.scope, "live"))


def _intervention(words: Claim | Under, nodes: tuple[Node, ...], mlp_aliases: Aliases) -> Condition:
    if words.verb == "patch":
        into: Side = words.patch_into
        return Condition(into, Replace(nodes, Source(words.patch_from), words.error or "live"))
    if words.verb == "keep":
        scope = words.scope or _default_scope(nodes, mlp_aliases)
        error: ErrorPolicy = words.error or "reference"
        return Condition("clean", KeepOnly(nodes, _source(words), scope, error))
    return Condition("clean", Replace(nodes, _source(words), words.error or "live"))


def _source(words: Claim | Under) -> Source:
    kind = words.with_ or ("mean" if words.verb == "keep" else "resample")
    return Source(kind, words.over or "corrupt", words.donors or "shared")


def _default_scope(nodes: tuple[Node, ...], mlp_aliases: Aliases) -> Scope:
    named = any(
        node.kind in {NodeKind.MLP, NodeKind.NEURON} or node.dictionary in mlp_aliases for node in nodes
    )
    return "heads+mlps" if named else "heads"

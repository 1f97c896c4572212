"""From the words of a claim to the conditions under which the model is run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from circuitcheck.claims.doses import doses_of
from circuitcheck.claims.routes import receivers_of
from circuitcheck.engine import (
    CLEAN,
    Condition,
    ErrorPolicy,
    KeepOnly,
    Replace,
    Route,
    Scope,
    Side,
    Source,
)
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.spec import CircuitSpec, Claim, Under
from circuitcheck.spec.words import INTERVENTIONS, KEEPING

Aliases = frozenset[str]
"""Dictionary aliases that write an MLP's output (transcoders and MLP SAEs)."""


def condition_of(claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> Condition:
    """The condition that the claim is about: `a` of its quantities, or the side that it measures.

    Of several ablations, under the first; of several coefficients, under the last; of a complete or minimal circuit,
    with all of it kept.
    """
    if claim.verb == "measure":
        return Condition(claim.measure or "clean")
    if claim.verb == "steer":
        return doses_of(claim, spec)[-1].condition
    words = claim if claim.verb in KEEPING.union(INTERVENTIONS) else claim.under
    return CLEAN if words is None else _intervention(words, spec, mlp_aliases)


def interventions_of(claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> tuple[Condition, ...]:
    """Every condition under which the claim changes something: several where it has several coefficients or replacements."""
    if claim.verb == "steer":
        return tuple(dose.condition for dose in doses_of(claim, spec) if not dose.changes_nothing)
    done = dict.fromkeys(condition_of(variant, spec, mlp_aliases) for variant in claim.variants)
    return tuple(condition for condition in done if condition.intervention is not None)


def nothing_kept(condition: Condition) -> Condition:
    """`e` of the quantities: the whole scope of a keep, ablated the same way.

    Where no feature is kept the error policy says nothing, so all policies share one run.
    """
    keep = condition.intervention
    assert isinstance(keep, KeepOnly), "only a keep has a whole scope"
    return Condition(condition.side, KeepOnly((), keep.source, keep.scope))


def only(condition: Condition, nodes: Iterable[Node]) -> Condition:
    """The keep of `condition` with only these of its nodes kept, the scope as it was."""
    keep = condition.intervention
    assert isinstance(keep, KeepOnly), "only a keep has nodes to keep fewer of"
    kept = tuple(nodes)
    return Condition(condition.side, replace(keep, nodes=kept)) if kept else nothing_kept(condition)


def knocked_out(condition: Condition, nodes: tuple[Node, ...], claim: Claim) -> Condition:
    """The whole model without these nodes, replaced as the keep of `condition` replaces the rest."""
    keep = condition.intervention
    assert isinstance(keep, KeepOnly), "what is knocked out is replaced as a keep replaces"
    return Condition(condition.side, Replace(nodes, keep.source, claim.error or "live")) if nodes else CLEAN


def with_errors_kept(condition: Condition) -> Condition | None:
    """The same keep with the dictionaries' errors live, or None where no feature is kept."""
    keep = condition.intervention
    if not isinstance(keep, KeepOnly) or keep.error == "live":
        return None
    if all(node.kind is not NodeKind.FEATURE for node in keep.nodes):
        return None
    return Condition(condition.side, KeepOnly(keep.nodes, keep.source, keep.scope, "live"))


def _intervention(words: Claim | Under, spec: CircuitSpec, mlp_aliases: Aliases) -> Condition:
    nodes = words.nodes(spec)
    if words.verb == "patch":
        into: Side = words.patch_into
        return Condition(into, _patch(words, nodes, spec))
    if words.verb in KEEPING:
        scope = words.scope or _default_scope(nodes, mlp_aliases)
        error: ErrorPolicy = words.error or "reference"
        return Condition("clean", KeepOnly(nodes, _source(words), scope, error))
    return Condition("clean", _replace(words, nodes, _source(words)))


def _patch(words: Claim | Under, nodes: tuple[Node, ...], spec: CircuitSpec) -> Replace | Route:
    source = Source(words.patch_from)
    if words.path is None:
        return _replace(words, nodes, source)
    return Route(
        senders=nodes,
        receivers=receivers_of(words.path, nodes, spec.resolve(words.path.target)),
        source=source,
        error=words.error or "live",
        downstream=words.downstream or "free",
        mlps=words.mlps or "frozen",
    )


def _replace(words: Claim | Under, nodes: tuple[Node, ...], source: Source) -> Replace:
    return Replace(
        nodes,
        source,
        words.error or "live",
        downstream=words.downstream or "free",
        mlps=words.mlps or "frozen",
        from_hook=words.from_hook,
        until=words.until,
    )


def _source(words: Claim | Under) -> Source:
    return Source(words.replacements[0], words.over or "corrupt", words.donors or "shared")


def _default_scope(nodes: tuple[Node, ...], mlp_aliases: Aliases) -> Scope:
    named = any(
        node.kind in {NodeKind.MLP, NodeKind.NEURON} or node.dictionary in mlp_aliases for node in nodes
    )
    return "heads+mlps" if named else "heads"

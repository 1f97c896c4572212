"""What the claims of a file use: their nodes, and where they need which dictionary; light enough for collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from circuitcheck.nodes import Node, NodeKind
from circuitcheck.spec import CircuitSpec, Claim

_DICTIONARY_KINDS = {NodeKind.FEATURE, NodeKind.ERROR}


@dataclass(frozen=True)
class DictionaryUse:
    """Where claims use one dictionary: error nodes as places, and the features named at each."""

    alias: str
    places: Mapping[Node, tuple[int, ...]]


def setup_names(spec: CircuitSpec) -> tuple[str, ...]:
    """The setup items of a file, in the order in which they are shown; reads nothing but the file."""
    used = dictionaries_used(spec, spec.claims)
    return ("setup-prompts", "setup-model", *(f"setup-dictionary-{use.alias}" for use in used))


def dictionaries_used(spec: CircuitSpec, claims: Iterable[Claim]) -> tuple[DictionaryUse, ...]:
    """Which dictionaries the claims use, where, and for which features, in the order of the file."""
    places: dict[str, dict[Node, dict[int, None]]] = {}
    for claim in claims:
        for node in nodes_of(claim, spec):
            if node.kind in _DICTIONARY_KINDS and node.dictionary:
                features = places.setdefault(node.dictionary, {}).setdefault(place_of(node), {})
                if node.index is not None and claim.verb != "activates":
                    features[node.index] = None
    return tuple(
        DictionaryUse(alias, {place: tuple(found) for place, found in places[alias].items()})
        for alias in spec.dictionaries
        if alias in places
    )


def nodes_of(claim: Claim, spec: CircuitSpec) -> tuple[Node, ...]:
    """Every node that a claim names, in its verb and under `under`."""
    under = claim.under.nodes(spec) if claim.under else ()
    named = () if claim.verb == "measure" else claim.nodes(spec)
    return named + under


def place_of(node: Node) -> Node:
    """The error node at a feature's layer and position: the place at which its dictionary must fit."""
    return replace(node, kind=NodeKind.ERROR, index=None)

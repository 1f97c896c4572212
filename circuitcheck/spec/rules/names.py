"""Names: each thing has one of its own, and each name that is used is somebody's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from circuitcheck.nodes import COMPONENT_WORDS, parse_node
from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.rules.mentions import mentions, written_nodes


def name_faults(draft: Draft) -> Iterator[Fault]:
    """Names that are taken, reserved or unknown."""
    yield from _claim_ids(draft)
    yield from _reserved(draft)
    yield from _unknown_nodes(draft)
    yield from _unknown_dictionaries(draft)


def _claim_ids(draft: Draft) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for number, claim in draft.claims.items():
        loc = ("claims", number, "id")
        if claim.id.startswith("setup-"):
            yield Fault(
                loc, f"{claim.id!r} begins with setup-, as circuitcheck's own tests do. Choose another name."
            )
        if claim.id in first and "id" not in draft.damaged.get(number, ()):
            yield Fault(loc, f"claims.{first[claim.id]} is called {claim.id!r} too. Choose another name.")
        first.setdefault(claim.id, number)
    yield from _edge_ids(draft, first)


def _edge_ids(draft: Draft, written: Mapping[str, int]) -> Iterator[Fault]:
    """Edges whose claims would be called like another."""
    first: dict[str, int] = {}
    for number, edge in draft.edges.items():
        loc = ("edges", number, "edge")
        if edge.id in written:
            yield Fault(
                ("claims", written[edge.id], "id"),
                f"{edge.id!r} is what the claim of edges.{number} is called. Choose another name.",
            )
        if edge.id in first:
            msg = f"edges.{first[edge.id]} makes a claim {edge.id!r} too. Keep one, or rename a group."
            yield Fault(loc, msg)
        first.setdefault(edge.id, number)


def _reserved(draft: Draft) -> Iterator[Fault]:
    for alias in draft.dictionaries:
        if alias in COMPONENT_WORDS:
            msg = f"{alias!r} already names a part of the model, as in L5.{alias}. Call the dictionary for example 'tc'."
            yield Fault(("dictionaries", alias), msg, at_key=True)
    for name in draft.groups:
        if _is_node(name):
            msg = f"{name!r} is a node, and cannot be a group's name. Say what the group does, as in name_mover."
            yield Fault(("nodes", name), msg, at_key=True)


def _unknown_nodes(draft: Draft) -> Iterator[Fault]:
    for mention in mentions(draft):
        try:
            draft.resolve(mention.expression)
        except ValueError as error:
            yield Fault(mention.loc, str(error))


def _unknown_dictionaries(draft: Draft) -> Iterator[Fault]:
    for loc, node in written_nodes(draft):
        alias = node.dictionary
        if (
            alias is not None
            and alias not in draft.dictionaries
            and not draft.is_unread("dictionaries", alias)
        ):
            if alias in COMPONENT_WORDS:
                how = (
                    f"Write neuron {node.index} as L{node.layer}.mlp.n{node.index}." if alias == "mlp" else ""
                )
                yield Fault(loc, f"{node}: {alias!r} is a part of the model, not a dictionary. {how}".strip())
            else:
                known = did_you_mean(alias, draft.dictionaries)
                yield Fault(loc, f"{node}: there is no dictionary {alias!r}. {known}")


def _is_node(name: str) -> bool:
    try:
        parse_node(name)
    except ValueError:
        return False
    return True

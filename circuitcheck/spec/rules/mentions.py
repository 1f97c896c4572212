"""Every spot of a circuit file that names nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from circuitcheck.nodes import Node
from circuitcheck.spec.claim import Claim
from circuitcheck.spec.draft import Draft

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class Mention:
    """A group name or node expression in a claim or an edge, and the way to it."""

    loc: Loc
    expression: str

    def nodes(self, draft: Draft) -> tuple[Node, ...]:
        """What it stands for; nothing where that cannot be said, which `names` tells."""
        try:
            return draft.resolve(self.expression)
        except ValueError:
            return ()


def mentions(draft: Draft) -> Iterator[Mention]:
    """All of them, in edges, claims and what claims are under."""
    for number, edge in draft.edges.items():
        yield Mention(("edges", number), edge.source)
        yield Mention(("edges", number), edge.target)
    for number, claim in draft.claims.items():
        yield from claim_mentions(number, claim)
        yield from under_mentions(number, claim)


def claim_mentions(number: int, claim: Claim) -> Iterator[Mention]:
    """Those of a claim's own verb."""
    for item, expression in enumerate(claim.expressions):
        yield Mention(("claims", number, claim.verb, item), expression)


def under_mentions(number: int, claim: Claim) -> Iterator[Mention]:
    """Those of the intervention that a claim is under."""
    if claim.under is not None:
        for item, expression in enumerate(claim.under.expressions):
            yield Mention(("claims", number, "under", claim.under.verb, item), expression)


def written_nodes(draft: Draft) -> Iterator[tuple[Loc, Node]]:
    """Every node where it is written: in its group, or straight in a claim or an edge."""
    for name, group in draft.groups.items():
        yield from ((("nodes", name, *place), node) for place, node in group.places.items())
    for mention in mentions(draft):
        if mention.expression not in draft.groups:
            yield from ((mention.loc, node) for node in mention.nodes(draft))

"""Every spot of a circuit file that names nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from circuitcheck.nodes import Node
from circuitcheck.spec.claim import Claim, Under
from circuitcheck.spec.draft import Draft
from circuitcheck.spec.groups import Edge

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
    for number, written in draft.edges.items():
        yield Mention(("edges", number, "edge"), written.edge.source)
        yield Mention(("edges", number, "edge"), written.edge.target)
    for number, claim in draft.claims.items():
        yield from claim_mentions(number, claim)
        yield from under_mentions(number, claim)
        yield from _path_mentions(("claims", number), claim.path)
        yield from _path_mentions(("claims", number, "under"), claim.under.path if claim.under else None)


def claim_mentions(number: int, claim: Claim) -> Iterator[Mention]:
    """Those of a claim's own verb."""
    for item, expression in enumerate(claim.expressions):
        yield Mention(("claims", number, claim.verb, item), expression)


def under_mentions(number: int, claim: Claim) -> Iterator[Mention]:
    """Those of the intervention that a claim is under."""
    if claim.under is not None:
        for item, expression in enumerate(claim.under.expressions):
            yield Mention(("claims", number, "under", claim.under.verb, item), expression)


def _path_mentions(loc: Loc, path: Edge | None) -> Iterator[Mention]:
    """Both ends of a path."""
    if path is not None:
        yield Mention((*loc, "path"), path.source)
        yield Mention((*loc, "path"), path.target)


def _hook_nodes(number: int, claim: Claim) -> Iterator[tuple[Loc, Node]]:
    """Where a claim, or what it is under, lets a change into the residual stream and out of it."""
    places: tuple[tuple[Loc, Claim | Under | None], ...] = ((), claim), (("under",), claim.under)
    for way, words in places:
        for key in ("from_hook", "until"):
            hook = getattr(words, key, None)
            if hook is not None:
                yield ("claims", number, *way, key), hook


def written_nodes(draft: Draft) -> Iterator[tuple[Loc, Node]]:
    """Every node where it is written: in its group, or straight in a claim or an edge."""
    for name, group in draft.groups.items():
        yield from ((("nodes", name, *place), node) for place, node in group.places.items())
    for mention in mentions(draft):
        if mention.expression not in draft.groups:
            yield from ((mention.loc, node) for node in mention.nodes(draft))
    for number, claim in draft.claims.items():
        yield from _hook_nodes(number, claim)

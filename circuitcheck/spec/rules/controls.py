"""Controls: `versus` needs features that others can stand in for, and an effect that has a direction."""

from __future__ import annotations

from collections.abc import Iterator

from circuitcheck.nodes import Node, NodeKind
from circuitcheck.spec.claim import Claim
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.rules.circuits import is_about_one, no_circuits, too_few_circuits
from circuitcheck.spec.rules.mentions import Loc, claim_mentions, under_mentions
from circuitcheck.spec.words import MODIFIERS, READINGS


def control_faults(draft: Draft) -> Iterator[Fault]:
    """Claims whose `versus` compares nothing; only in claims that are whole."""
    for number, claim in draft.claims.items():
        if claim.versus is None or number in draft.damaged or not claim.verb:
            continue
        if "versus" not in MODIFIERS[claim.verb]:
            continue  # said among the modifiers
        loc: Loc = ("claims", number, "versus")
        no_others = no_circuits if claim.versus.draws_circuits else _nothing_to_match
        for message in (no_others(draft, number, claim), _no_direction(claim)):
            if message:
                yield Fault(loc, message, at_key=True)
        if message := too_few_circuits(claim, claim.confidence or draft.confidence):
            yield Fault(loc, message)


def _nothing_to_match(draft: Draft, number: int, claim: Claim) -> str:
    if claim.verb == "minimal":
        return "a minimal circuit is held against nodes from outside it. Write random_circuits, or delete versus."
    if claim.verb in READINGS and claim.under is None:
        return (
            f"{claim.verb} alone replaces nothing, so no other features can stand in. "
            "Give the claim under: {ablate: ..} with features, or delete versus."
        )
    nodes = _replaced(draft, number, claim)
    if not nodes or any(node.kind is NodeKind.FEATURE for node in nodes):
        return ""  # without nodes their names are wrong, and said to be
    return (
        "only features are matched, and this claim names none. "
        "Name features, as in L2.z/3@END, or delete versus."
    )


def _replaced(draft: Draft, number: int, claim: Claim) -> list[Node]:
    mentions = under_mentions(number, claim) if claim.verb in READINGS else claim_mentions(number, claim)
    return [node for mention in mentions for node in mention.nodes(draft)]


def _no_direction(claim: Claim) -> str:
    quantity, threshold = claim.leading
    if quantity in {"wins", "dependence"}:
        return f"controls are compared by one number each, and {quantity} is none. Expect another quantity first."
    if threshold.low is None or threshold.high is None:
        return ""
    if is_about_one(claim):
        return ""
    return (
        f"a null claim beats nobody: {quantity} is expected to be {threshold.text.strip()}, so neither more "
        "nor less of it is stronger. Write '>= ..' or '<= ..', or delete versus."
    )

"""Steering: one kind of coefficient, that changes something, on nodes that have a strength."""

from __future__ import annotations

from collections.abc import Iterator

from circuitcheck.nodes import NodeKind
from circuitcheck.spec.claim import Claim
from circuitcheck.spec.doses import DOSE_RESPONSE, HOWS, NEUTRAL
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.rules.mentions import Loc, claim_mentions

_STRENGTH = frozenset({NodeKind.FEATURE, NodeKind.NEURON})
"""Kinds of node with one number that says how strong they are."""


def steer_faults(draft: Draft) -> Iterator[Fault]:
    """`steer` claims without one kind of coefficient, or with some that do nothing."""
    for number, claim in draft.claims.items():
        if claim.verb != "steer" or number in draft.damaged:
            continue
        loc: Loc = ("claims", number)
        yield from _coefficients(loc, claim)
        yield from _without_strength(draft, number, claim)
        yield from _comparisons(loc, claim)
        if claim.error == "reference":
            msg = "steer reads no other run that could be a reference. Write live, clean or drop."
            yield Fault((*loc, "error"), msg)


def _coefficients(loc: Loc, claim: Claim) -> Iterator[Fault]:
    given = [how for how in HOWS if claim.coefficients_of(how) is not None]
    if not given:
        msg = "steer says nothing of how strongly. Write add: 4, scale: 0.5 or set: 2, or a list such as add: [2, 4]."
        yield Fault((*loc, "steer"), msg, at_key=True)
        return
    for extra in given[1:]:
        msg = f"a second kind of coefficient beside {given[0]}. Make another claim of it."
        yield Fault((*loc, extra), msg, at_key=True)
    if claim.coefficients == (NEUTRAL.get(given[0]),):
        msg = f"{given[0]}: {claim.coefficients[0]:g} leaves everything as it is. Write another number, or several."
        yield Fault((*loc, given[0]), msg)


def _without_strength(draft: Draft, number: int, claim: Claim) -> Iterator[Fault]:
    if claim.steered in {None, "scale"}:
        return
    for mention in claim_mentions(number, claim):
        found = next((node for node in mention.nodes(draft) if node.kind not in _STRENGTH), None)
        if found is not None:
            msg = f"{claim.steered} is for features and neurons, and {found} has no strength. Write scale: 0.5 or the like."
            yield Fault(mention.loc, msg)


def _comparisons(loc: Loc, claim: Claim) -> Iterator[Fault]:
    if claim.steered is None or len(claim.coefficients) > 1:
        return
    for quantity in claim.expect:
        if quantity in DOSE_RESPONSE:
            msg = f"{quantity} compares coefficients, and there is one. Write several, as in {claim.steered}: [2, 4]."
            yield Fault((*loc, "expect", quantity), msg, at_key=True)

"""Verbs: one for each claim, with nodes that it can be done to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from circuitcheck.nodes import ALL, ALL_WITH_BOS, END, Node, NodeKind
from circuitcheck.spec.claim import Claim, Under
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.rules.mentions import Loc, Mention, claim_mentions, under_mentions
from circuitcheck.spec.rules.order import TextOrder
from circuitcheck.spec.rules.sites import site_of
from circuitcheck.spec.words import INTERVENTIONS, KEEPING, KINDS, VERBS

_INPUTS = frozenset({NodeKind.Q, NodeKind.K, NodeKind.V})
_KEPT = "heads, MLPs, neurons, features and dictionary errors"
_TAKES = {
    "keep": _KEPT,
    "complete": _KEPT,
    "minimal": _KEPT,
    "steer": "features, neurons, and (with scale) heads, attn, MLPs and the residual stream",
    "attends": "heads, such as L9H6",
    "activates": "features, such as L9.z/123",
    "writes": "what writes to the residual stream",
}


def verb_faults(draft: Draft) -> Iterator[Fault]:
    """Claims with no verb or several, and nodes that their verb cannot be done to."""
    order = TextOrder(draft)
    for number, claim in draft.claims.items():
        loc: Loc = ("claims", number)
        if number not in draft.damaged:
            yield from _one_verb(loc, claim, VERBS, "measured")
        if claim.under is not None:
            yield from _one_verb((*loc, "under"), claim.under, INTERVENTIONS, "done")
        yield from _kinds(draft, claim, claim_mentions(number, claim))
        if claim.under is not None:
            yield from _kinds(draft, claim.under, under_mentions(number, claim))
        if claim.verb == "attends":
            yield from _attention(draft, number, claim, order)


def _one_verb(loc: Loc, words: Claim | Under, verbs: tuple[str, ...], what: str) -> Iterator[Fault]:
    named = [verb for verb in verbs if getattr(words, verb, None) is not None]
    if not named:
        yield Fault(loc, f"no verb says what is {what}. Write one of {', '.join(verbs)}.")
    for extra in named[1:]:
        msg = f"a second verb beside {named[0]}. Make another claim of it."
        yield Fault((*loc, extra), msg, at_key=True)


def _kinds(draft: Draft, words: Claim | Under, mentions: Iterable[Mention]) -> Iterator[Fault]:
    for mention in mentions:
        said = (_unfit(draft, words, node) for node in mention.nodes(draft))
        if message := next(filter(None, said), ""):
            yield Fault(mention.loc, message)


def _unfit(draft: Draft, words: Claim | Under, node: Node) -> str:
    verb = words.verb
    if node.kind not in KINDS[verb]:
        return f"{verb} takes {_TAKES[verb]}, and {node} is none of them."
    senseless = [kind for kind in words.replacements if kind in {"zero", "mean"}]
    if node.kind in _INPUTS and senseless:
        return f"{node} is an input, which {senseless[0]} would make meaningless. Write with: resample or corrupt."
    if verb in KEEPING and node.dictionary and site_of(draft, node) == "resid":
        return f"{node} lies in the residual stream, which {verb} does not replace. Name heads and MLPs."
    if verb == "writes" and node.at not in {END, "-1"}:
        return f"{node} does not write where the metric is read. Place it at END."
    return ""


def _attention(draft: Draft, number: int, claim: Claim, order: TextOrder) -> Iterator[Fault]:
    loc = ("claims", number)
    if claim.to is None and number not in draft.damaged:
        yield Fault(loc, "attends without a role that is attended to. Write for example to: IO.")
    if claim.to is not None and claim.to == claim.minus:
        yield Fault(
            (*loc, "minus"),
            f"the same as to, so that the difference is always 0. Name another role than {claim.to}.",
        )
    sources = (
        [claim.from_]
        if claim.from_
        else [n.at for m in claim_mentions(number, claim) for n in m.nodes(draft)]
    )
    for key, at in (("from", claim.from_), ("to", claim.to), ("minus", claim.minus)):
        if at in {ALL, ALL_WITH_BOS}:
            yield Fault((*loc, key), "attention is read from one position to another. Name a role.")
    if claim.from_ is None and {ALL, ALL_WITH_BOS} & set(sources):
        yield Fault(
            (*loc, "attends"), "these heads are at all positions. Say which one attends, as in from: END."
        )
    for key, at in (("to", claim.to), ("minus", claim.minus)):
        after = next((source for source in sources if at and order.relations(at, source) == {"after"}), None)
        if after:
            yield Fault(
                (*loc, key), f"{at} comes after {after}, and attention does not look ahead. Swap them."
            )

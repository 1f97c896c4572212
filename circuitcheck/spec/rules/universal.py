"""Universal claims: `for_all` needs something that can break on a single prompt, and nothing else beside it."""

from __future__ import annotations

from collections.abc import Iterator

from circuitcheck.spec.claim import Claim, Under
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.rules.mentions import Loc
from circuitcheck.spec.words import MODIFIERS

_OF_MANY = {
    "rate": "a share of prompts, and one prompt has none. Write mean instead.",
    "auroc": "about clean prompts beside corrupt ones, and one prompt has none. Write mean instead.",
    "wins": "a share of prompts, and one prompt has none. Write ratio instead.",
    "dependence": "about how prompts differ, and one prompt differs from none. Write drop instead.",
}
_BESIDE = {
    "by": "for_all is about every prompt, in every slice. Delete by.",
    "versus": "controls are compared by means over prompts, and for_all takes none. Delete one of both.",
    "confidence": "a search has no interval, so no confidence. Delete it.",
    "elsewhere": "for_all searches the file's own prompts, and elsewhere is a mean. Delete one of both.",
    "generalises": "for_all searches these templates, and says nothing of others. Delete one of both.",
}
"""Keys that say nothing of a claim about every prompt."""


def universal_faults(draft: Draft) -> Iterator[Fault]:
    """Claims whose `for_all` could not be searched, or contradicts another key; only in claims that are whole."""
    for number, claim in draft.claims.items():
        if claim.for_all is None or number in draft.damaged or not claim.verb:
            continue
        if "for_all" not in MODIFIERS[claim.verb]:
            continue  # said among the modifiers
        loc: Loc = ("claims", number)
        yield from _expectations(loc, claim)
        for key, message in _BESIDE.items():
            if getattr(claim, key) is not None:
                yield Fault((*loc, key), message, at_key=True)
        yield from _donors(loc, claim)
        if claim.under is not None:
            yield from _donors((*loc, "under"), claim.under)


def _expectations(loc: Loc, claim: Claim) -> Iterator[Fault]:
    for quantity, threshold in claim.expect.items():
        where = (*loc, "expect", quantity)
        if quantity in _OF_MANY:
            yield Fault(where, f"for_all: {quantity} is {_OF_MANY[quantity]}", at_key=True)
        elif not threshold.judged:
            msg = f"for_all searches for a prompt that breaks this, and {threshold.text.strip()!r} breaks nowhere. "
            yield Fault(where, f"{msg}Write what every prompt has to meet.")


def _donors(loc: Loc, words: Claim | Under) -> Iterator[Fault]:
    if words.donors == "independent":
        msg = "for_all draws one donor for a prompt, so that the pair of them can be shown. Delete donors."
        yield Fault((*loc, "donors"), msg, at_key=True)

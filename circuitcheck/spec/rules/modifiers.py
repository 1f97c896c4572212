"""Modifiers: what a claim says beside its verb has an effect, or is refused."""

from __future__ import annotations

from collections.abc import Iterator

from circuitcheck.nodes import Node, NodeKind
from circuitcheck.spec.claim import Claim, Under
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.rules.mentions import Loc, claim_mentions, under_mentions
from circuitcheck.spec.rules.sites import site_of
from circuitcheck.spec.words import (
    COMMON,
    INTERVENTIONS,
    KEEPING,
    MODIFIERS,
    TWO_SIDED,
    UNDER_MODIFIERS,
    VERBS,
)

_DICTIONARY = frozenset({NodeKind.FEATURE, NodeKind.ERROR})


def modifier_faults(draft: Draft) -> Iterator[Fault]:
    """Modifiers that change nothing, or contradict each other; only in claims that are whole."""
    for number, claim in draft.claims.items():
        if number in draft.damaged or not claim.verb:
            continue
        loc: Loc = ("claims", number)
        nodes = [node for mention in claim_mentions(number, claim) for node in mention.nodes(draft)]
        allowed = COMMON | MODIFIERS[claim.verb] | set(VERBS)
        yield from _unused(loc, claim, allowed)
        yield from _intervention(draft, loc, claim, nodes)
        yield from _of_the_claim(loc, claim)
        if claim.under is not None and claim.under.verb:
            below = [node for mention in under_mentions(number, claim) for node in mention.nodes(draft)]
            where = (*loc, "under")
            yield from _unused(where, claim.under, UNDER_MODIFIERS[claim.under.verb] | set(INTERVENTIONS))
            yield from _intervention(draft, where, claim.under, below)
    for number, claim in draft.edge_claims.items():
        yield from _of_the_claim(("edges", number), claim)


def _unused(loc: Loc, words: Claim | Under, allowed: frozenset[str] | set[str]) -> Iterator[Fault]:
    for name in sorted(words.model_fields_set):
        key = name.rstrip("_")
        if key not in allowed and getattr(words, name) is not None:
            used = sorted(allowed - COMMON - set(VERBS))
            how = f"It uses {', '.join(used)}." if used else "It uses no modifiers of this kind."
            yield Fault((*loc, key), f"{words.verb} does not use {key}. {how}", at_key=True)


def _intervention(draft: Draft, loc: Loc, words: Claim | Under, nodes: list[Node]) -> Iterator[Fault]:
    if words.verb == "patch":
        yield from _sides(loc, words)
    elif words.verb in INTERVENTIONS or words.verb in KEEPING:
        kinds = words.replacements
        this = ", ".join(kinds)
        if words.over is not None and not {"mean", "resample"} & set(kinds):
            msg = f"over says where mean and resample are read from, and this is with: {this}. Delete it."
            yield Fault((*loc, "over"), msg, at_key=True)
        if words.donors is not None and "resample" not in kinds:
            msg = f"donors belong to with: resample, and this is with: {this}. Delete it."
            yield Fault((*loc, "donors"), msg, at_key=True)
    if words.error is not None and nodes and not any(node.kind in _DICTIONARY for node in nodes):
        msg = "error is about a dictionary's error, and no feature is named here. Delete it."
        yield Fault((*loc, "error"), msg, at_key=True)
    if words.verb in KEEPING and words.scope == "heads":
        yield from _scope(draft, loc, nodes)


def _sides(loc: Loc, words: Claim | Under) -> Iterator[Fault]:
    if words.from_ not in {None, "clean", "corrupt"}:
        yield Fault(
            (*loc, "from"), f"patch reads from clean or corrupt, not from {words.from_!r}. Write one of them."
        )
    elif words.patch_from == words.patch_into:
        side, key = words.patch_from, "into" if words.into is not None else "from"
        msg = f"this patches {side} from {side}, which changes nothing. Write from: corrupt, into: clean, or neither."
        yield Fault((*loc, key), msg)


def _scope(draft: Draft, loc: Loc, nodes: list[Node]) -> Iterator[Fault]:
    for node in nodes:
        in_mlp = node.kind in {NodeKind.MLP, NodeKind.NEURON}
        if in_mlp or (node.dictionary and site_of(draft, node) == "mlp"):
            msg = (
                f"scope heads leaves every MLP live, so keeping {node} says nothing. Write scope: heads+mlps."
            )
            yield Fault((*loc, "scope"), msg)
            return


def _of_the_claim(loc: Loc, claim: Claim) -> Iterator[Fault]:
    if claim.known_failure is not None and not any(wanted.judged for wanted in claim.expect.values()):
        msg = "'?' judges nothing, so this claim cannot fail. Delete it, or expect something."
        yield Fault((*loc, "known_failure"), msg, at_key=True)
    if (
        claim.corrupt is not None
        and "corrupt" in MODIFIERS[claim.verb]
        and not _reads_the_corrupt_side(claim)
    ):
        msg = "nothing in this claim reads the corrupt side. Delete it."
        yield Fault((*loc, "corrupt"), msg, at_key=True)
    open_ended = [
        quantity
        for quantity, wanted in claim.expect.items()
        if quantity in TWO_SIDED and wanted.low is not None and wanted.high is None
    ]
    if claim.at_most is not None and "at_most" in MODIFIERS[claim.verb] and not open_ended:
        msg = f"at_most ends a bare '>=' on {', '.join(sorted(TWO_SIDED))}, and there is none. Delete it."
        yield Fault((*loc, "at_most"), msg, at_key=True)


def _reads_the_corrupt_side(claim: Claim) -> bool:
    if claim.verb == "measure":
        return claim.measure == "corrupt"
    if claim.verb == "patch" or set(claim.expect) & {"lost", "restored", "auroc"}:
        return True
    words = claim.under if claim.verb in {"attends", "activates"} else claim
    if words is None:
        return False
    return words.verb == "patch" or (set(words.replacements) != {"zero"} and words.over != "clean")

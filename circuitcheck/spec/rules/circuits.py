"""Random circuits: other heads and MLPs can stand in for the claim's, and there are enough of them to show anything."""

from __future__ import annotations

import math

from circuitcheck.nodes import NodeKind
from circuitcheck.spec.claim import Claim
from circuitcheck.spec.draft import Draft
from circuitcheck.spec.rules.mentions import claim_mentions
from circuitcheck.spec.words import INTERVENTIONS, TWO_SIDED

_DRAWN = frozenset({NodeKind.HEAD, NodeKind.MLP})
_TIED_TO_A_LAYER = ("path", "from_hook", "until")


def is_about_one(claim: Claim) -> bool:
    """Whether random circuits are compared by how near the quantity is to 1: all of the behaviour, and no more."""
    quantity, threshold = claim.leading
    if claim.versus is None or not claim.versus.draws_circuits or quantity not in TWO_SIDED:
        return False
    return threshold.low is not None and (threshold.high is None or threshold.low <= 1 <= threshold.high)


def no_circuits(draft: Draft, number: int, claim: Claim) -> str:
    """Why nothing can be drawn in the place of the claim's nodes; "" where something can."""
    if claim.verb not in {*INTERVENTIONS, "minimal"}:
        return f"random circuits stand in for what {', '.join(INTERVENTIONS)} name. Delete versus."
    if claim.verb == "minimal" and len(claim.replacements) > 1:
        return "the nodes of a minimal circuit are compared under one ablation. Write one, or delete versus."
    if claim.verb == "minimal" and claim.versus is not None and claim.versus.among == "all":
        return "minimal compares with nodes from outside the circuit. Delete among."
    if tied := next((key for key in _TIED_TO_A_LAYER if getattr(claim, key) is not None), ""):
        return f"random circuits lie in any layer, and {tied} names one. Delete versus."
    nodes = [node for mention in claim_mentions(number, claim) for node in mention.nodes(draft)]
    other = next((node for node in nodes if node.kind not in _DRAWN), None)
    if other is None:
        return ""
    return f"random circuits are made of heads and MLPs, and {other} is neither. Write matched_features, or delete versus."


def too_few_circuits(claim: Claim, confidence: float) -> str:
    """Why so few circuits could never show the share that is to be beaten, beating all of them; "" where they could.

    All J random circuits are beaten with chance beats^J where the claim's circuit beats that share of all.
    """
    versus = claim.versus
    if versus is None or not versus.draws_circuits or not claim.leading[1].judged:
        return ""
    if versus.beats >= 1:
        return "no number of random circuits shows that all are beaten. Write beats: 0.9, or another share below 1."
    least = math.ceil(math.log((1 - confidence) / 2) / math.log(versus.beats) - 1e-9)
    if versus.number >= least:
        return ""
    return (
        f"{versus.number} random circuits cannot show that {versus.beats:g} of all are beaten. "
        f"Write {least} or more, or a smaller share."
    )

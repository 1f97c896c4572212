"""Which of two effects speaks more for a claim: the larger, the smaller, or the one nearer to all of the behaviour."""

from __future__ import annotations

from collections.abc import Sequence

from circuitcheck.spec import Claim
from circuitcheck.spec.rules.circuits import is_about_one

ALL_OF_IT = 1.0
"""`ratio`, `recovered` and `restored` of the whole model."""


TIED = 1e-6
"""Strengths of random circuits that differ by no more than this share of the larger tie."""


def strength_of(claim: Claim, effect: float) -> float:
    """A number that is larger the more an effect of the claim's first judged quantity speaks for it."""
    if is_about_one(claim):
        return -abs(effect - ALL_OF_IT)
    return -effect if less_is_stronger(claim) else effect


def less_is_stronger(claim: Claim) -> bool:
    """Whether the claim says that its quantity is low; else, and where it says neither, more is stronger."""
    _, threshold = claim.leading
    return threshold.low is None and threshold.high is not None


def weaker_and_tied(own: float, others: Sequence[float], tolerance: float = TIED) -> tuple[int, int]:
    """How many strengths are below one's own, and how many tie with it: differ by no more than this share of the larger."""
    tied = [abs(other - own) <= tolerance * max(abs(other), abs(own)) for other in others]
    weaker = sum(other < own and not is_tied for other, is_tied in zip(others, tied, strict=True))
    return weaker, sum(tied)

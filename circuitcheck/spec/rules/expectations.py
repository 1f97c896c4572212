"""Expectations: the verb measures the quantity, and the number is one that it can have."""

from __future__ import annotations

import math
from collections.abc import Iterator

from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.spec.claim import Claim
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.words import (
    LESS_IS_BETTER,
    OVER_RECOVERY,
    QUANTITIES,
    RANGES,
    TWO_SIDED,
    WITH_A_ZERO,
    Range,
)
from circuitcheck.thresholds import Threshold

_SHARES_OF_A_METRIC = frozenset({"drop", "ratio"})
_SHARES_OF_A_GAP = frozenset({"lost", "restored", "recovered"})
_DISTANCES = frozenset({"gap", "loses"})


def expectation_faults(draft: Draft) -> Iterator[Fault]:
    """Quantities that the verb does not measure, and thresholds that say nothing."""
    for where, claim in draft.every_claim.items():
        if claim.verb:
            yield from expected_faults(draft, claim, where)


def expected_faults(draft: Draft, claim: Claim, where: tuple[str | int, ...]) -> Iterator[Fault]:
    """The same of one claim, whose `expect` stands at `where`."""
    for quantity, threshold in claim.expect.items():
        loc = (*where, "expect", quantity)
        if message := _unmeasured(claim, quantity, claim.metric or draft.metric):
            yield Fault(loc, message, at_key=True)
        elif message := _senseless(claim, quantity, threshold):
            yield Fault(loc, message)


def _unmeasured(claim: Claim, quantity: str, metric: str) -> str:
    known = QUANTITIES[claim.verb]
    if quantity not in known:
        listed = f"It measures: {', '.join(known)}."
        near = did_you_mean(quantity, known)
        return f"{claim.verb} does not measure {quantity!r}. {near if near.startswith('Did') else ''} {listed}".replace(
            "  ", " "
        )
    if quantity in _SHARES_OF_A_METRIC and metric not in WITH_A_ZERO:
        return (
            f"{quantity} is a share of the metric, and {metric} has no meaningful zero. Write effect instead."
        )
    if quantity in _DISTANCES and metric not in WITH_A_ZERO:
        return (
            f"{quantity} is a share of the metric, and {metric} has no meaningful zero. "
            f"Write metric: {' or '.join(sorted(WITH_A_ZERO))}."
        )
    if quantity in _SHARES_OF_A_GAP and metric in LESS_IS_BETTER:
        return (
            f"{quantity} is for metrics of which more is better, and less {metric} is. Write effect instead."
        )
    if claim.verb == "patch":
        return _wrong_direction(claim, quantity)
    if claim.measure == "clean" and quantity == "kl":
        return "kl compares with the clean run, so it is always 0 there. Write measure: corrupt."
    return ""


def _wrong_direction(claim: Claim, quantity: str) -> str:
    if claim.patch_from == claim.patch_into:
        return ""  # said to be wrong already
    denoising = claim.patch_into == "corrupt"
    if denoising and quantity in {"lost", "drop"}:
        return f"patching clean into corrupt restores. Write restored, or from: corrupt and into: clean for {quantity}."
    if not denoising and quantity == "restored":
        return (
            "patching corrupt into clean destroys. Write lost, or from: clean and into: corrupt for restored."
        )
    return ""


def _senseless(claim: Claim, quantity: str, threshold: Threshold) -> str:
    if not threshold.judged:
        return ""
    span = Range(-1.0, 1.0) if claim.minus else RANGES.get(quantity, Range())
    for bound in _written(threshold):
        if not span.low <= bound <= span.high:
            return _outside(quantity, bound, span)
    if not span.fraction and _is_always_true(threshold, span):
        return f"{threshold.text!r} is true of every {quantity}. Write a number inside {_shown(span)}."
    return _over_recovery(claim, quantity, threshold)


def _written(threshold: Threshold) -> tuple[float, ...]:
    """The numbers to hold against the range; of `about` only the middle, whose margin may reach out."""
    if (
        threshold.low is not None
        and threshold.high is not None
        and threshold.text.strip().lower().startswith("about")
    ):
        return ((threshold.low + threshold.high) / 2,)
    return threshold.bounds


def _outside(quantity: str, bound: float, span: Range) -> str:
    side = f"above {'1' if span.fraction else f'{span.high:g}'}"
    if bound < span.low:
        side = f"below {'0' if span.fraction else f'{span.low:g}'}"
    what = "is a fraction" if span.fraction else f"lies in {_shown(span)}"
    percent = (
        f" For {bound:g}% write {bound / 100:g}." if 2 <= bound <= 100 and span.high in {1.0, 2.0} else ""
    )
    return f"{bound:g} is {side}, but {quantity} {what}.{percent}"


def _shown(span: Range) -> str:
    if math.isinf(span.high):
        return f"{span.low:g} and more"
    return f"{span.high:g} and less" if math.isinf(span.low) else f"{span.low:g} to {span.high:g}"


def _is_always_true(threshold: Threshold, span: Range) -> bool:
    low = -math.inf if threshold.low is None else threshold.low
    high = math.inf if threshold.high is None else threshold.high
    return low <= span.low and high >= span.high


def _over_recovery(claim: Claim, quantity: str, threshold: Threshold) -> str:
    if (
        quantity not in TWO_SIDED
        or threshold.low is None
        or threshold.high is not None
        or claim.at_most == "none"
    ):
        return ""
    limit = OVER_RECOVERY if claim.at_most is None else float(claim.at_most)
    if threshold.low < limit:
        return ""
    return f"{threshold.low:g} and more is over-recovery above {limit:g}, which fails. Write at_most: none, or a range."

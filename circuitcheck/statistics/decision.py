"""From samples and thresholds to evidence, and from the evidence of a file's claims to their outcomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from circuitcheck.statistics.forecast import minimum_detectable_effect
from circuitcheck.statistics.inversion import Interval, invert
from circuitcheck.statistics.mean import COMMON, MeanTest
from circuitcheck.statistics.multiplicity import holm
from circuitcheck.statistics.onesided import OneSidedTest
from circuitcheck.statistics.quantity import RatioTest, is_exact, suited_test
from circuitcheck.statistics.sample import Sample
from circuitcheck.statistics.templates import why_too_few_templates
from circuitcheck.thresholds import Threshold

LEAST_PROMPTS = 16
LEAST_DF = 8

Correction = Literal["refutations", "file"]
OutcomeWord = Literal["supported", "refuted", "inconclusive", "measured"]


class Tails(NamedTuple):
    """One-sided p-values of a claim: small `support` shows it, small `refute` shows its opposite."""

    support: float
    refute: float


@dataclass(frozen=True)
class Evidence:
    """What one sample says of one threshold.

    Attributes:
        p_support: One-sided p-value of "the quantity meets the threshold"; 1 where it cannot decide.
        p_refute: One-sided p-value of "it does not"; 1 where it cannot decide.
        estimate: The quantity in the sample; None where its denominator is exactly zero.
        interval: The thresholds that the sample does not rule out, None where they have no end.
        n: Number of prompts; of templates, where the sample is of template means.
        reason: Why the sample cannot decide, whatever its numbers; None if it can.
        mde: Distance from the nearest bound that n prompts would probably show; None where unknown.
        judged: False where the threshold is "?".
    """

    p_support: float
    p_refute: float
    estimate: float | None
    interval: Interval | None
    n: int
    reason: str | None
    mde: float | None
    judged: bool

    @property
    def tails(self) -> Tails:
        """The two p-values."""
        return Tails(self.p_support, self.p_refute)


class PeculiarSample(Sample):
    """A sample that is judged in a way of its own, not as a mean or a ratio of means."""

    def evidence(self, threshold: Threshold, alpha_side: float) -> Evidence:
        """What it says of a threshold, as `judge` says it."""
        raise NotImplementedError


def judge(sample: Sample, threshold: Threshold, alpha_side: float) -> Evidence:
    """Test a sample against a threshold at one look of level `alpha_side` on each side."""
    if isinstance(sample, PeculiarSample):
        return sample.evidence(threshold, alpha_side)
    sample = sample.judged
    reason = why_too_few(sample)
    interval, tails, mde = None, Tails(1.0, 1.0), None
    if reason is None:
        test = suited_test(sample)
        reason = _cannot_decide(sample, test, alpha_side)
        interval = invert(test, alpha_side) if reason is None else None
        if threshold.judged and reason is None:
            tails = tails_of(test, threshold)
            nearest = min(threshold.bounds, key=lambda bound: abs(bound - sample.estimate))
            mde = minimum_detectable_effect(sample, nearest, alpha_side)
    estimate = None if math.isnan(sample.estimate) else sample.estimate
    return Evidence(tails.support, tails.refute, estimate, interval, sample.n, reason, mde, threshold.judged)


def interval(sample: Sample, alpha_side: float) -> Interval | None:
    """The thresholds that `judge` would neither support nor refute at this level; None if it cannot decide."""
    return judge(sample, Threshold(None, None, "?"), alpha_side).interval


def tails_of(test: OneSidedTest, threshold: Threshold) -> Tails:
    """p-values of "meets every bound" and "misses some bound".

    Of a range at most one bound can be missed, so refuting either at its side's level keeps the total.
    """
    support, refute = [], []
    if threshold.low is not None:
        low = np.array([threshold.low])
        support.append(float(test.p_above(low)[0]))
        refute.append(float(test.p_below(low)[0]))
    if threshold.high is not None:
        high = np.array([threshold.high])
        support.append(float(test.p_below(high)[0]))
        refute.append(float(test.p_above(high)[0]))
    return Tails(max(support), min(refute))


def combine(parts: Sequence[Evidence]) -> Tails | None:
    """p-values of a claim of several expectations, slices or ablations; None if none of them is judged.

    It is supported when every part is, and refuted when any is, which costs a factor of their number.
    """
    judged = [part for part in parts if part.judged]
    if not judged:
        return None
    return Tails(
        max(part.p_support for part in judged), min(1.0, len(judged) * min(part.p_refute for part in judged))
    )


def outcomes(
    claims: Sequence[Tails | None],
    alpha_side: float,
    total: int | None = None,
    correction: Correction = "refutations",
) -> list[OutcomeWord]:
    """The outcome of each claim of a file, refutations corrected for the claims written in it.

    Args:
        claims: p-values per claim that was run; None for one that judges nothing.
        alpha_side: Error level of one side, before the correction.
        total: Number of claims in the file that judge something, run or not.
        correction: "file" corrects supports as well, for claims that the data chose.
    """
    judged = [tails for tails in claims if tails is not None]
    refuted = holm([tails.refute for tails in judged], alpha_side, total)
    supported = np.array([tails.support <= alpha_side for tails in judged], dtype=np.bool_)
    if correction == "file":
        supported = holm([tails.support for tails in judged], alpha_side, total)
    words: list[OutcomeWord] = [
        "supported" if yes else "refuted" if no else "inconclusive"
        for yes, no in zip(supported, refuted, strict=True)
    ]
    rest = iter(words)
    return ["measured" if tails is None else next(rest) for tails in claims]


def why_too_few(sample: Sample) -> str | None:
    """Why a sample is too small to be judged; None if it is not."""
    if sample.unit == "templates":
        return why_too_few_templates(sample)
    if sample.n < LEAST_PROMPTS:
        return f"too few prompts: {sample.n}, and nothing is judged below {LEAST_PROMPTS}"
    if is_exact(sample):
        return None
    if sample.counts.min() < 2:
        return "too few prompts: a stratum with a single prompt says nothing about its spread"
    df = MeanTest(sample).df
    if df < LEAST_DF:
        return (
            f"too few prompts: {df:.2g} degrees of freedom within {len(sample.counts)} strata, "
            f"and nothing is judged below {LEAST_DF}"
        )
    return None


def _cannot_decide(sample: Sample, test: OneSidedTest, alpha_side: float) -> str | None:
    if isinstance(test, RatioTest) and test.p_denominator_above_zero > alpha_side:
        if test.p_denominator_below_zero <= alpha_side:
            return "the model does not do this task: the denominator is below zero"
        return "the denominator's interval touches 0"
    mean = test.mean if isinstance(test, RatioTest) else test
    if isinstance(mean, MeanTest) and mean.is_flat and COMMON**sample.n > alpha_side:
        enough = math.ceil(math.log(alpha_side) / math.log(COMMON))
        alike = "prompts of the same template and order" if sample.unit == "prompts" else "templates"
        return (
            f"{alike} all show the same value; "
            f"it takes {enough} {sample.unit}, not {sample.n}, to rule out rare exceptions"
        )
    return None

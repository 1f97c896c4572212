"""From questions to verdicts: first each claim alone, then all claims of the file together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from circuitcheck.claims.case import Case
from circuitcheck.claims.evidence import cell_effects, facts_of, population_of, values_of, worst_prompts
from circuitcheck.claims.noop import share_changed, why_too_few
from circuitcheck.claims.pairing import evaluated_prompts, numbers_of
from circuitcheck.claims.questions import Question, questions_of
from circuitcheck.claims.survival import facts_of_parts
from circuitcheck.spec import Claim
from circuitcheck.statistics import (
    Evidence,
    Forecast,
    Look,
    Tails,
    combine,
    holm,
    judge,
    needed_prompts,
    smallest,
)
from circuitcheck.verdict import Outcome, Part, Verdict

UNIT_RANGE = frozenset({"auroc"})
"""Quantities in [0, 1] whose per-prompt numbers leave it, so that their interval may too."""


@dataclass(frozen=True)
class Assessment:
    """One claim judged alone at one look: its questions, their evidence, and what stands in the way of a verdict."""

    case: Case
    questions: tuple[Question, ...]
    evidence: tuple[Evidence, ...]
    obstacle: str
    """Why the claim cannot be judged whatever its numbers; "" where it can."""
    changed: float | None
    look: Look
    earlier: Tails | None = None
    """The smallest p-values of the looks before; None at the first."""
    paired: Case | None = None
    """What other runs are compared with; None for what was judged."""

    @property
    def own_tails(self) -> Tails | None:
        """One-sided p-values of this look, as those of all looks together; None where nothing is judged."""
        tails = combine(self.evidence)
        if tails is None:
            return None
        return Tails(1.0, 1.0) if self.obstacle else self.look.corrected(tails)

    @property
    def tails(self) -> Tails | None:
        """One-sided p-values of the claim after this look and those before; None where nothing is judged."""
        own = self.own_tails
        return smallest([own, self.earlier]) if own is not None and self.earlier is not None else own

    @property
    def level(self) -> float:
        """Error level of one side at this look."""
        return alpha_side(confidence_of(self.case)) * self.look.weight


def alpha_side(confidence: float) -> float:
    """Chance of a wrong verdict on each side: half of 1 - confidence."""
    return (1 - confidence) / 2


def confidence_of(case: Case) -> float:
    """The claim's own confidence, else the file's."""
    return case.claim.confidence or case.spec.confidence


def assess(
    case: Case, obstacle: str = "", look: Look | None = None, earlier: Tails | None = None
) -> Assessment:
    """Judge one claim alone at one look, the only one by default.

    `obstacle` is a reason from outside, such as a model that fails its task.

    Raises:
        MeasurementError: the intervention changes nothing on any prompt.
    """
    changed = share_changed(case)
    questions = tuple(questions_of(case))
    look = look or Look(len(case.prompts), 1.0)
    level = alpha_side(confidence_of(case)) * look.weight
    evidence = tuple(judge(question.sample, question.threshold, level) for question in questions)
    return Assessment(
        case, questions, evidence, obstacle or why_too_few(case, changed), changed, look, earlier
    )


def conclude(assessments: Sequence[Assessment]) -> tuple[Verdict, ...]:
    """Verdicts of the measured claims of one file, corrected over all claims written in it."""
    return tuple(
        _verdict(each, ruling) for each, ruling in zip(assessments, rulings(assessments), strict=True)
    )


def rulings(assessments: Sequence[Assessment]) -> list[Outcome]:
    """What each claim of a file comes out as by now.

    Refutations are corrected by Holm over the claims of the file; supports only where the file says so, since a
    file is green only if all of its claims are.
    """
    refuted = _holm(assessments, "refute")
    corrected = bool(assessments) and assessments[0].case.spec.correction == "file"
    supported = _holm(assessments, "support") if corrected else list(map(_is_supported, assessments))
    return [
        Outcome.MEASURED
        if each.tails is None
        else Outcome.SUPPORTED
        if yes
        else Outcome.REFUTED
        if no
        else Outcome.INCONCLUSIVE
        for each, yes, no in zip(assessments, supported, refuted, strict=True)
    ]


def _is_supported(assessment: Assessment) -> bool:
    tails = assessment.tails
    return tails is not None and tails.support <= alpha_side(confidence_of(assessment.case))


def _holm(assessments: Sequence[Assessment], side: Literal["support", "refute"]) -> list[bool]:
    """Holm's decision per claim. A claim of another confidence enters with its p-value scaled to the file's."""
    if not assessments:
        return []
    spec = assessments[0].case.spec
    level = alpha_side(spec.confidence)
    scaled = {
        index: min(1.0, getattr(tails, side) * level / alpha_side(confidence_of(each.case)))
        for index, each in enumerate(assessments)
        if (tails := each.tails) is not None
    }
    rejected = holm(list(scaled.values()), level, total=_judged_claims(spec.claims))
    shown = {index for index, no in zip(scaled, rejected, strict=True) if no}
    return [index in shown for index in range(len(assessments))]


def _judged_claims(claims: Sequence[Claim]) -> int:
    """Claims that might be refuted by a p-value; a search finds a counterexample or none."""
    return sum(
        claim.for_all is None and any(threshold.judged for threshold in claim.thresholds.values())
        for claim in claims
    )


def _verdict(assessment: Assessment, outcome: Outcome) -> Verdict:
    case, claim = assessment.case, assessment.case.claim
    level = alpha_side(confidence_of(case))
    parts = tuple(
        _part(question, evidence, assessment.level)
        for question, evidence in zip(assessment.questions, assessment.evidence, strict=True)
    )
    verdict = Verdict(
        claim=claim.id,
        verb=claim.verb,
        says=claim.says,
        outcome=outcome,
        parts=parts,
        n=len(case.prompts),
        budget=len(case.prompts.whole),
        seed=case.prompts.seed,
        confidence=confidence_of(case),
        population=population_of(case.prompts, claim),
        reason=_reason(assessment, parts, outcome, level),
        facts={**facts_of(case, assessment.changed), **facts_of_parts(claim, parts, assessment.level)},
        values=values_of(case),
        prompts=evaluated_prompts((assessment.paired or case).prompts),
        numbers=tuple(map(numbers_of, _compared(assessment))),
        tags=claim.tags,
        known_failure=claim.known_failure.reason if claim.known_failure else "",
        line=case.spec.line_of(claim.id),
    )
    question = assessment.questions[verdict.parts.index(verdict.deciding)]
    return replace(verdict, cells=cell_effects(case, question), worst=worst_prompts(case, question))


def _compared(assessment: Assessment) -> Sequence[Question]:
    """The questions with the numbers that other runs are compared with."""
    return questions_of(assessment.paired) if assessment.paired is not None else assessment.questions


def _outcome(tails: Tails | None, level: float, *, refuted: bool) -> Outcome:
    if tails is None:
        return Outcome.MEASURED
    if tails.support <= level:
        return Outcome.SUPPORTED
    return Outcome.REFUTED if refuted else Outcome.INCONCLUSIVE


def _part(question: Question, evidence: Evidence, level: float) -> Part:
    tails = evidence.tails if evidence.judged else None
    outcome = _outcome(tails, level, refuted=evidence.p_refute <= level)
    needed = ""
    if outcome is Outcome.INCONCLUSIVE:
        forecast = needed_prompts(question.sample, question.threshold, level)
        needed = _needed(forecast, evidence.n) if forecast else ""
    interval, estimate = evidence.interval, evidence.estimate
    if question.quantity in UNIT_RANGE:
        interval = interval.within(0.0, 1.0) if interval else None
        estimate = None if estimate is None else min(1.0, max(0.0, estimate))
    return Part(
        quantity=question.quantity,
        expected=question.threshold.text,
        slice=question.slice,
        estimate=estimate,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        p_support=evidence.p_support,
        p_refute=evidence.p_refute,
        n=evidence.n,
        outcome=outcome,
        reason=evidence.reason or "",
        needed=needed,
        below=question.threshold.low,
        above=question.threshold.high,
    )


def _needed(forecast: Forecast, n: int) -> str:
    if forecast.is_hopeless(n):
        return "it may never be settled: the value is at the threshold; move the threshold or state a range"
    return forecast.advice


def _reason(assessment: Assessment, parts: Sequence[Part], outcome: Outcome, level: float) -> str:
    if outcome is not Outcome.INCONCLUSIVE:
        return ""
    judged = [part for part, found in zip(parts, assessment.evidence, strict=True) if found.judged]
    reasons = [assessment.obstacle, *(part.reason for part in judged)]
    named = next((reason for reason in reasons if reason), "")
    if named:
        return named
    tails, total = assessment.tails, _judged_claims(assessment.case.spec.claims)
    if tails is not None and tails.refute <= level:
        return f"below the threshold on its own, not after correction for the {total} claims of the file"
    if tails is not None and tails.support <= level:
        return f"as claimed on its own, not after correction for the {total} claims of the file"
    return "the interval crosses the threshold"

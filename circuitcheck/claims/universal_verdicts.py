"""From a search for a prompt that breaks a claim to the claim's verdict.

A search is no sample: it counts, and gives neither an interval nor a p-value. In the places of p-values stand 0 and 1,
so that what orders parts by them still shows the part that decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from circuitcheck.claims.case import Case
from circuitcheck.claims.evidence import facts_of, values_of, worst_prompts
from circuitcheck.claims.noop import why_too_few
from circuitcheck.claims.universal import Demand, demands_of
from circuitcheck.prompts.populations import Example
from circuitcheck.prompts.wording import counted
from circuitcheck.spec.for_all import LEAST_SEARCHED
from circuitcheck.verdict import Outcome, Part, Verdict

_NO_DENOMINATOR = "the denominator is not above zero here"
_ENDED = "the search ended at a prompt that breaks another expectation"


@dataclass(frozen=True)
class Counterexample:
    """A prompt that breaks the claim.

    `case` holds this prompt only. `is_shrunk` says that Hypothesis looked for simpler ones; `is_remembered` that an
    earlier run had found it; `is_changed` that the claim's intervention, if it has one, does something there.
    """

    example: Example
    case: Case
    is_shrunk: bool
    is_remembered: bool
    is_changed: bool


@dataclass(frozen=True)
class Finding:
    """What a search came to.

    `tried` holds the prompts that were tried, each once, up to the first that breaks the claim; `wanted` is how many
    the file asks for, `drawn` how many there were to try. `is_all` says that there are no others. `changed` is the
    share of prompts that the claim's intervention changes, None where it has none.
    """

    tried: Case
    wanted: int
    drawn: int
    is_all: bool
    counterexample: Counterexample | None
    changed: float | None

    @property
    def outcome(self) -> Outcome:
        """Refuted by one prompt; supported where as many as asked for were tried, or all there are."""
        if self.counterexample is not None:
            return Outcome.REFUTED
        return Outcome.INCONCLUSIVE if self.obstacle else Outcome.SUPPORTED

    @property
    def obstacle(self) -> str:
        """Why finding nothing says nothing; "" where it says something."""
        if self.drawn < self.wanted and not self.is_all:
            fewer = f"Write for_all: {self.drawn}, or give" if self.drawn >= LEAST_SEARCHED else "Give"
            return (
                f"only {self.drawn} of {self.wanted} different prompts could be drawn, and none of them breaks the claim. "
                f"{fewer} the prompts longer lists"
            )
        return why_too_few(self.tried, self.changed)


def unsearched(case: Case, population: str, obstacle: str) -> Verdict:
    """The verdict of a claim that nothing was tried on, and why; `case` holds no prompts."""
    return _verdict(case, population, Outcome.INCONCLUSIVE, (), obstacle)


def verdict_of(finding: Finding, population: str) -> Verdict:
    """The verdict, with the numbers of the prompts that were tried; `population` is whom the claim is about."""
    found = finding.counterexample
    demands = demands_of(finding.tried if found is None else found.case)
    deciding = min(demands, key=lambda demand: float(demand.margins.min()))
    part = _part_not_broken if found is None else _part_at_counterexample
    verdict = _verdict(
        finding.tried,
        population,
        finding.outcome,
        tuple(part(demand, finding) for demand in demands),
        _nothing_found(finding) if found is None else _what_was_found(finding, found, deciding),
    )
    return replace(
        verdict,
        budget=0 if finding.is_all else finding.wanted,
        facts={} if found is None else facts_of(deciding.case, finding.changed),
        values=values_of(demands_of(finding.tried)[0].case),
        worst=worst_prompts(deciding.case, deciding.question),
    )


def _verdict(case: Case, population: str, outcome: Outcome, parts: tuple[Part, ...], reason: str) -> Verdict:
    claim = case.claim
    return Verdict(
        claim=claim.id,
        verb=claim.verb,
        says=claim.says,
        outcome=outcome,
        parts=parts,
        n=len(case.prompts),
        seed=case.prompts.seed,
        confidence=case.spec.confidence,
        population=population,
        reason=reason,
        tags=claim.tags,
        known_failure=claim.known_failure.reason if claim.known_failure else "",
        line=case.spec.line_of(claim.id),
    )


def _part_not_broken(demand: Demand, finding: Finding) -> Part:
    """A demand that every tried prompt meets, by the prompt that comes nearest to breaking it."""
    row, n = int(np.argmin(demand.margins)), len(finding.tried.prompts)
    return _part(demand, row, finding.outcome, f"the nearest of {counted(n, 'prompt')}", n)


def _part_at_counterexample(demand: Demand, finding: Finding) -> Part:
    n = len(finding.tried.prompts)
    if demand.is_broken[0]:
        return _part(demand, 0, Outcome.REFUTED, "the prompt found", n)
    return replace(_part(demand, 0, Outcome.INCONCLUSIVE, "the prompt found", n), reason=_ENDED)


def _part(demand: Demand, row: int, outcome: Outcome, prompt: str, n: int) -> Part:
    question = demand.question
    return Part(
        quantity=question.quantity,
        expected=question.threshold.text,
        slice=", ".join(filter(None, (question.slice, prompt))),
        estimate=demand.value(row),
        low=None,
        high=None,
        p_support=0.0 if outcome is Outcome.SUPPORTED else 1.0,
        p_refute=0.0 if outcome is Outcome.REFUTED else 1.0,
        n=n,
        outcome=outcome,
        reason=_NO_DENOMINATOR if demand.has_no_denominator[row] else "",
        below=question.threshold.low,
        above=question.threshold.high,
    )


def _nothing_found(finding: Finding) -> str:
    n = counted(len(finding.tried.prompts), "prompt")
    if finding.obstacle:
        return finding.obstacle
    if finding.is_all:
        return f"no counterexample: all {n} that there are were tried"
    return (
        f"no counterexample among {n} that Hypothesis drew; they are not a random sample, so no bound follows"
    )


def _what_was_found(finding: Finding, found: Counterexample, deciding: Demand) -> str:
    """How the counterexample was come by, the prompt itself, and what is special about it."""
    n = counted(len(finding.tried.prompts), "prompt")
    source = ", remembered from an earlier run" if found.is_remembered else ""
    how = "the simplest of all is" if finding.is_all else "shrunk to" if found.is_shrunk else "it is"
    example = found.example
    donor = f', with values from "{example.donor_text}"' if example.donor else ""
    notes = [_NO_DENOMINATOR] * bool(deciding.has_no_denominator[0])
    notes += ["the intervention changes nothing here"] * (not found.is_changed)
    return "; ".join([f'counterexample after {n}{source}, {how}: "{example.pair.clean}"{donor}', *notes])

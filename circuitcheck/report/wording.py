"""One line of words per verdict: for tables, headings and messages."""

from __future__ import annotations

import re

from circuitcheck.report.numerals import interval, measured, numeral
from circuitcheck.verdict import Outcome, Part, Verdict

NOW_SUPPORTED = "known_failure is supported now: remove known_failure"
_RANGE = re.compile(r"between\s+(\S+)\s+and\s+(\S+)", re.IGNORECASE)
_JOIN = {Outcome.SUPPORTED: " ", Outcome.REFUTED: ", expected ", Outcome.INCONCLUSIVE: ", needed "}


def deciding(verdict: Verdict) -> Part | None:
    """The part that speaks for the claim; None where nothing was estimated."""
    return verdict.deciding if verdict.parts else None


def short_range(expected: str) -> str:
    """`0.0 to 0.3` for "between 0.0 and 0.3"; other thresholds as written."""
    return _RANGE.sub(r"\1 to \2", expected.strip())


def part_line(part: Part, outcome: Outcome) -> str:
    """`drop 0.412 [0.371, 0.455], expected 0.0 to 0.3`; the words fit the claim's outcome."""
    if outcome is Outcome.MEASURED or part.expected.strip() == "?":
        return measured(part)
    join = _JOIN[outcome]
    expected = short_range(part.expected)
    if outcome is Outcome.SUPPORTED and expected[:1] not in "<>":
        join = ", expected "
    return f"{measured(part)}{join}{expected}"


def verdict_line(verdict: Verdict) -> str:
    """What was measured against what was expected, in one line.

    Supported and measured claims show one part per quantity, others the part that decided.
    """
    if not verdict.parts:
        return verdict.reason or "nothing was estimated"
    if verdict.known_failure and verdict.outcome is not Outcome.SUPPORTED:
        part = verdict.deciding
        return f"{part.quantity} {numeral(part.estimate)} ({verdict.known_failure})"
    if verdict.outcome in {Outcome.REFUTED, Outcome.INCONCLUSIVE}:
        return _with_slice(verdict.deciding, verdict)
    return ", ".join(_with_slice(part, verdict) for part in _one_per_quantity(verdict))


def _with_slice(part: Part, verdict: Verdict) -> str:
    line = part_line(part, verdict.outcome)
    return f"{line} for {part.slice}" if part.slice else line


def _one_per_quantity(verdict: Verdict) -> tuple[Part, ...]:
    """The least supported part of each quantity, in the order of the file."""
    least: dict[str, Part] = {}
    for part in verdict.parts:
        known = least.get(part.quantity)
        if known is None or part.p_support > known.p_support:
            least[part.quantity] = part
    return tuple(least.values())


def headline(verdict: Verdict) -> str:
    """`refuted: drop = 0.412, expected between 0.0 and 0.3`: the number before the prose."""
    if verdict.known_failure and verdict.outcome is Outcome.SUPPORTED:
        return NOW_SUPPORTED
    part = deciding(verdict)
    if part is None:
        return f"{verdict.outcome}: {verdict.reason or 'nothing was estimated'}"
    head = f"{verdict.outcome}: {part.quantity} = {numeral(part.estimate)}"
    if part.slice:
        head += f" for {part.slice}"
    if part.expected.strip() != "?":
        head += (
            f", {'needed' if verdict.outcome is Outcome.INCONCLUSIVE else 'expected'} {part.expected.strip()}"
        )
    return head


def inconclusive_reason(verdict: Verdict) -> tuple[str, ...]:
    """Why nothing was decided, and what would settle it; the sentences there are."""
    part = deciding(verdict)
    sentences = (verdict.reason or (part.reason if part else ""), part.needed if part else "")
    return tuple(sentence for sentence in sentences if sentence)


def interval_text(part: Part, confidence: float) -> str:
    """`95% CI [0.371, 0.455]`, or that there is none."""
    bounds = interval(part)
    return f"{confidence * 100:g}% CI {bounds}" if bounds else "no interval"

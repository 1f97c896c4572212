"""One line of words per verdict: for tables, headings and messages."""

from __future__ import annotations

import math
import re
from statistics import median

from circuitcheck.prompts.pairs import NO_ORDER, NO_TEMPLATE
from circuitcheck.report.numerals import interval, measured, numeral
from circuitcheck.verdict import Controls, Outcome, Part, Verdict

NOW_SUPPORTED = "known_failure is supported now: remove known_failure"
_RANGE = re.compile(r"between\s+(\S+)\s+and\s+(\S+)", re.IGNORECASE)
_JOIN = {Outcome.SUPPORTED: " ", Outcome.REFUTED: ", expected ", Outcome.INCONCLUSIVE: ", needed "}


def cell_name(template: str, order: str) -> str:
    """A prompt's template and order, as far as it has them."""
    return " ".join(part for part in (template, order) if part not in ("", NO_ORDER, NO_TEMPLATE))


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
    if overruled(verdict):
        parts = ", ".join(part_line(part, part.outcome) for part in _one_per_quantity(verdict))
        return f"{parts}, not backed by its controls"
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
    if overruled(verdict):
        return f"{head}, but {verdict.reason}"
    if part.slice:
        head += f" for {part.slice}"
    if part.expected.strip() != "?":
        head += (
            f", {'needed' if verdict.outcome is Outcome.INCONCLUSIVE else 'expected'} {part.expected.strip()}"
        )
    return head


def overruled(verdict: Verdict) -> bool:
    """Whether controls, not the expectations, made the claim refuted or inconclusive."""
    controls = verdict.controls
    if controls is None or not controls.reason:
        return False
    return verdict.outcome is controls.outcome and verdict.reason == controls.reason


def controls_line(controls: Controls) -> str:
    """`beats 97 of 100 matched features (their median 0.020, 95% at 0.110); dictionary errors 0.050 of 0.410`.

    The second number in parentheses is the effect that the required share of controls does not exceed.
    """
    errors = ""
    if controls.error_effect is not None:
        errors = f"; dictionary errors {numeral(controls.error_effect)} of {numeral(controls.effect)}"
    if not controls.effects:
        return f"none: {controls.reason}{errors}"
    number = len(controls.effects)
    note = f"; {controls.reason}" if _is_a_note(controls) else ""
    return (
        f"beats {round(controls.beaten * number)} of {number} {controls.against} "
        f"(their median {numeral(median(controls.effects))}, "
        f"{controls.required * 100:g}% at {numeral(required_effect(controls))}){errors}{note}"
    )


def _is_a_note(controls: Controls) -> bool:
    """Whether the reason tells something besides the outcome."""
    return bool(controls.reason) and controls.outcome in {Outcome.SUPPORTED, Outcome.MEASURED}


def required_effect(controls: Controls) -> float:
    """The effect that the required share of controls reaches and does not exceed."""
    if (target := controls.target) is not None:
        nearer = sorted(controls.effects, key=lambda effect: -abs(effect - target))
        return nearer[math.ceil(controls.required * len(nearer)) - 1]
    below = sum(effect < controls.effect for effect in controls.effects) / len(controls.effects)
    more_is_stronger = math.isclose(below, controls.beaten)
    ranked = sorted(controls.effects, reverse=not more_is_stronger)
    return ranked[math.ceil(controls.required * len(ranked)) - 1]


def inconclusive_reason(verdict: Verdict) -> tuple[str, ...]:
    """Why nothing was decided, and what would settle it; the sentences there are."""
    part = deciding(verdict)
    sentences = (verdict.reason or (part.reason if part else ""), part.needed if part else "")
    return tuple(sentence for sentence in sentences if sentence)


def interval_text(part: Part, confidence: float) -> str:
    """`95% CI [0.371, 0.455]`, or that there is none."""
    bounds = interval(part)
    return f"{confidence * 100:g}% CI {bounds}" if bounds else "no interval"

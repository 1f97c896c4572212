"""Why a claim is green, yellow or red: one plain sentence on what was claimed and what was measured."""

from __future__ import annotations

from circuitcheck.report.html.status import KNOWN, UNEXPECTED, Status
from circuitcheck.report.html.words import threshold_words
from circuitcheck.report.numerals import numeral
from circuitcheck.report.results import ClaimRecord, PartRecord
from circuitcheck.report.wording import deciding, inconclusive_reason, overruled

_CONCLUSIONS = {
    "supported": "So the claim is supported.",
    "refuted": "So the claim is refuted.",
    "inconclusive": "So the claim is neither supported nor refuted",
    "measured": "The file asks only for the number, so nothing was judged.",
}


def deciding_part(record: ClaimRecord) -> PartRecord | None:
    """The part that speaks for the claim; None where nothing was estimated."""
    verdict = record.to_verdict()
    part = deciding(verdict) if verdict else None
    return record.parts[verdict.parts.index(part)] if verdict and part else None


def why(record: ClaimRecord, status: Status) -> str:
    """The sentences under a claim's plot."""
    if record.verdict == "error":
        return f"Not measured: {record.error}"
    part = deciding_part(record)
    said = [*_claimed(part, record), _conclusion(record), *_beyond(record, status)]
    return " ".join(filter(None, said))


def _claimed(part: PartRecord | None, record: ClaimRecord) -> list[str]:
    if part is None:
        return []
    where = f" for {part.slice}" if part.slice else ""
    measured = f"Measured: {numeral(part.estimate)}{_confidently(part, record)}."
    if record.verdict == "measured":
        return [f"{part.quantity}{where}: {measured.removeprefix('Measured: ')}"]
    return [f"Claimed: {part.quantity}{where} {threshold_words(part)}.", measured, *_others(record)]


def _confidently(part: PartRecord, record: ClaimRecord) -> str:
    """The end of the interval that matters: the one towards the threshold that was not, or was, reached."""
    if part.low is None and part.high is None:
        return ""
    sure = f", and with {100 * (record.confidence or 0):g}% confidence"
    low, high = numeral(part.low), numeral(part.high)
    is_above = part.low is not None and part.above is not None and part.low > part.above
    is_below = part.high is not None and part.below is not None and part.high < part.below
    if record.verdict == "supported" and (part.below is None or part.above is None):
        is_below, is_above = part.below is None, part.above is None
    if part.high is None or (is_above and part.low is not None):
        return f"{sure} no less than {low}"
    if part.low is None or is_below:
        return f"{sure} no more than {high}"
    return f"{sure} between {low} and {high}"


def _others(record: ClaimRecord) -> list[str]:
    """Where several conditions have to hold, which of them this is about."""
    judged = [part for part in record.parts if part.outcome != "measured"]
    if len(judged) < 2:
        return []
    if record.verdict == "refuted":
        return [f"All {len(judged)} conditions of the claim have to hold."]
    which = "the hardest" if record.verdict == "supported" else "the least certain"
    return [f"This is {which} of {len(judged)} conditions, which all have to hold."]


def _conclusion(record: ClaimRecord) -> str:
    text = _CONCLUSIONS[record.verdict]
    verdict = record.to_verdict()
    if verdict and overruled(verdict):
        decided = (
            "Its controls speak against it" if record.verdict == "refuted" else "Its controls leave it open"
        )
        return f"{decided}: {verdict.reason}. {text.rstrip('.')}."
    if record.verdict != "inconclusive":
        return text
    reasons: list[str] = []
    for reason in inconclusive_reason(verdict) if verdict else ():
        # The reason often holds what is needed already.
        if not any(reason in earlier for earlier in reasons):
            reasons.append(reason)
    return f"{text}: {'; '.join(reasons)}." if reasons else f"{text}."


def _beyond(record: ClaimRecord, status: Status) -> list[str]:
    """What the verdict means for the run, where the file knew the claim to fail."""
    if status == KNOWN:
        return ["The file expects that."]
    if status == UNEXPECTED:
        return ["The file says that it would fail: remove known_failure from the claim."]
    verdict = record.to_verdict()
    is_said = record.verdict == "inconclusive" or (verdict is not None and overruled(verdict))
    return [record.reason] if record.reason and not is_said else []

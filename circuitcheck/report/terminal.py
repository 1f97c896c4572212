"""What a run prints after its tests: inconclusive claims with their reasons, then all claims with their controls.

In: `FileRecord`s. Out: lines of plain text with a colour each; who prints them is another matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circuitcheck.report.results import ClaimRecord, FileRecord
from circuitcheck.report.wording import NOW_SUPPORTED, controls_line, inconclusive_reason, verdict_line
from circuitcheck.verdict import Outcome, Verdict

_WIDEST_CLAIM = 40
_WORDS = {"refuted": "REFUTED", "measured": "MEASURED", "error": "ERROR"}
_COLOURS = {
    "REFUTED": "red",
    "SUPPORTED": "red",
    "ERROR": "red",
    "inconclusive": "yellow",
    "supported": "green",
}


@dataclass(frozen=True)
class Line:
    """One line of text; `colour` is red, yellow, green or "" for none."""

    text: str
    colour: str = ""


def count_claims(files: Sequence[FileRecord]) -> int:
    """How many claims the table shows."""
    return sum(len(file.claims) for file in files)


def verdict_word(record: ClaimRecord) -> str:
    """The word of the table: capitals where the run fails or nothing was judged."""
    if record.known_failure and record.verdict != "error":
        return "SUPPORTED" if record.verdict == "supported" else "known"
    return _WORDS.get(record.verdict, record.verdict)


def claim_text(record: ClaimRecord) -> str:
    """What was measured against what was expected, or why nothing was."""
    verdict = record.to_verdict()
    if verdict is None:
        return record.error
    if verdict_word(record) == "SUPPORTED":
        return f"{verdict_line(verdict)}; {NOW_SUPPORTED}"
    return verdict_line(verdict)


def controls_text(record: ClaimRecord) -> str:
    """What became of the claim's controls; "" where it has none."""
    verdict = record.to_verdict()
    return controls_line(verdict.controls) if verdict and verdict.controls else ""


def table_lines(files: Sequence[FileRecord]) -> tuple[Line, ...]:
    """One line per claim, another for its controls; with several files, each file's claims under its name."""
    filled = [file for file in files if file.claims]
    lines = []
    for file in filled:
        if len(filled) > 1:
            lines.append(Line(file.path + (f" (in {file.test})" if file.test else "")))
        lines += _file_lines(file)
    return tuple(lines)


def _file_lines(file: FileRecord) -> list[Line]:
    width = min(max(len(record.claim) for record in file.claims), _WIDEST_CLAIM)
    lines = []
    for record in file.claims:
        word = verdict_word(record)
        text = f"{record.claim:<{width}}  {word:<12}  {claim_text(record)}"
        lines.append(Line(text, _COLOURS.get(word, "")))
        if controls := controls_text(record):
            lines.append(Line(f"{'':<{width}}  {'controls':<12}  {controls}"))
    return lines


def inconclusive_lines(files: Sequence[FileRecord]) -> tuple[Line, ...]:
    """Each inconclusive claim with its reason and the prompts it would need, known failures aside."""
    lines = []
    for file in files:
        for record in file.claims:
            verdict = record.to_verdict()
            if verdict and verdict.outcome is Outcome.INCONCLUSIVE and not verdict.known_failure:
                lines += _inconclusive(verdict, file.path)
    return tuple(lines)


def _inconclusive(verdict: Verdict, path: str) -> list[Line]:
    place = f"{path}:{verdict.line}  "
    head = f"{place}{verdict.claim}: "
    reasons = inconclusive_reason(verdict)
    first, rest = (verdict_line(verdict), reasons) if verdict.parts else (reasons[0], reasons[1:])
    return [Line(head + first, "yellow"), *(Line(" " * len(place) + reason) for reason in rest)]

"""How a claim came out, as pages show it: a word, a symbol and a meaning, never a colour alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from circuitcheck.report.results import ClaimRecord


@dataclass(frozen=True)
class Status:
    """`key` names the style; `needs_attention` says that the run is not in order because of it."""

    key: str
    word: str
    symbol: str
    meaning: str
    needs_attention: bool


REFUTED = Status(
    "refuted",
    "refuted",
    "✗",
    "At least one expectation was shown not to hold, or its controls do as much.",
    needs_attention=True,
)
ERROR = Status(
    "error",
    "error",
    "!",
    "Could not be measured, or must not be judged. Never a pass.",
    needs_attention=True,
)
UNEXPECTED = Status(
    "unexpected",
    "unexpectedly supported",
    "✓!",
    "The file marks the claim as a known failure, and it holds: the mark has to go.",
    needs_attention=True,
)
INCONCLUSIVE = Status(
    "inconclusive",
    "inconclusive",
    "?",
    "Neither shown to hold nor shown to fail: the measurement cannot tell.",
    needs_attention=True,
)
SUPPORTED = Status(
    "supported",
    "supported",
    "✓",
    "Every expectation was shown to hold, with the confidence that the file asks for.",
    needs_attention=False,
)
MEASURED = Status(
    "measured",
    "measured only",
    "○",
    "The file asks for the number and judges nothing.",
    needs_attention=False,
)
KNOWN = Status(
    "known",
    "known failure",
    "≈",
    "Not supported, as the circuit file says it would not be; it gives the reason.",
    needs_attention=False,
)
STATUSES = (REFUTED, ERROR, UNEXPECTED, INCONCLUSIVE, KNOWN, SUPPORTED, MEASURED)
"""Worst first."""

_BY_VERDICT = {status.key: status for status in (SUPPORTED, REFUTED, INCONCLUSIVE, MEASURED, ERROR)}


def status_of(record: ClaimRecord) -> Status:
    """The status of one claim."""
    if record.known_failure and record.verdict in {"refuted", "inconclusive"}:
        return KNOWN
    if record.known_failure and record.verdict == "supported":
        return UNEXPECTED
    return _BY_VERDICT[record.verdict]


def worst(statuses: Iterable[Status]) -> Status | None:
    """The one that asks for most attention; None of none."""
    return min(statuses, key=STATUSES.index, default=None)

"""A verdict as flat properties, one scalar each, as JUnit readers show them.

About a dozen per case: one report of 50,000 cases with more has broken a CI server's reader.
"""

from __future__ import annotations

from circuitcheck.report.results import ClaimRecord
from circuitcheck.report.wording import deciding

Property = tuple[str, str | int | float]


def properties(record: ClaimRecord, circuit: str, model: str) -> tuple[Property, ...]:
    """`circuitcheck.*` properties of one claim; those without a value are left out."""
    verdict = record.to_verdict()
    part = deciding(verdict) if verdict else None
    values = {
        "circuit": circuit,
        "claim": record.claim,
        "verdict": record.verdict,
        "quantity": part.quantity if part else None,
        "estimate": part.estimate if part else None,
        "ci_low": part.low if part else None,
        "ci_high": part.high if part else None,
        "confidence": record.confidence,
        "n": part.n if part else None,
        "threshold": part.expected if part else None,
        "model": model,
        "line": record.line,
    }
    return tuple((f"circuitcheck.{name}", value) for name, value in values.items() if value not in {None, ""})

"""Flat properties for JUnit."""

from verdict_samples import REFUTED

from circuitcheck.report.junit import properties
from circuitcheck.report.results import ClaimRecord


def test_a_verdict_is_a_dozen_flat_scalars():
    assert properties(ClaimRecord.of(REFUTED), "ioi", "ioi-mini") == (
        ("circuitcheck.circuit", "ioi"),
        ("circuitcheck.claim", "backup-compensates"),
        ("circuitcheck.verdict", "refuted"),
        ("circuitcheck.quantity", "drop"),
        ("circuitcheck.estimate", 0.412),
        ("circuitcheck.ci_low", 0.371),
        ("circuitcheck.ci_high", 0.455),
        ("circuitcheck.confidence", 0.95),
        ("circuitcheck.n", 480),
        ("circuitcheck.threshold", "between 0.0 and 0.3"),
        ("circuitcheck.model", "ioi-mini"),
        ("circuitcheck.line", 54),
    )


def test_a_claim_that_could_not_be_measured_has_no_numbers():
    record = ClaimRecord.of_error("gone", "no such node", line=7)
    assert properties(record, "ioi", "") == (
        ("circuitcheck.circuit", "ioi"),
        ("circuitcheck.claim", "gone"),
        ("circuitcheck.verdict", "error"),
        ("circuitcheck.line", 7),
    )

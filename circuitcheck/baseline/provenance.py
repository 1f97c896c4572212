"""What the baseline keeps beside a claim's numbers: what they were measured with, and what a margin is a share of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from circuitcheck.baseline.records import Origin
from circuitcheck.report.claim_records import ClaimRecord, PartRecord
from circuitcheck.report.columns import floats
from circuitcheck.report.pairing_records import NumbersRecord
from circuitcheck.report.results import FileRecord

_WITHOUT_UNIT = frozenset({"auroc", "rate", "accuracy", "top1", "attention"})
"""Shares: a margin of 0.05 means 0.05 of them, as of a ratio."""


def origin_of(file: FileRecord, environment: Mapping[str, str]) -> Origin:
    """What a file's numbers were measured with."""
    facts = file.provenance
    model, prompts = facts.get("model"), facts.get("prompts") or {}
    references = {prompts[name]: digest for name, digest in (facts.get("references") or {}).items()}
    return Origin(
        model=file.model,
        model_sha256=str(model.get("sha256", "")) if isinstance(model, Mapping) else "",
        weights=str(facts.get("weights", "")),
        dtype=str(facts.get("dtype", "")),
        device=str(facts.get("device", "")),
        dictionaries=facts.get("dictionaries") or {},
        tokenizer=str(facts.get("tokenizer", "")),
        references=references,
        environment=dict(environment),
    )


def unit_of(record: ClaimRecord, part: PartRecord, numbers: NumbersRecord) -> float:
    """What a margin is a share of: 1 for ratios and shares, the size of the clean metric for metrics.

    A claim whose numbers are in units of a metric and that has no clean metric of its own (direct writes, mean
    activations, the corrupt side) takes the root mean square of its numbers, so that an effect about zero has a
    margin too.
    """
    if numbers.denominator or part.quantity in _WITHOUT_UNIT:
        return 1.0
    if record.verb == "measure" and record.written.get("measure") == "clean" and part.estimate:
        return float(f"{abs(part.estimate):.6g}")
    clean = [value for value in record.values.get("clean", []) if value is not None]
    size = abs(float(np.mean(clean))) if clean else float(np.sqrt(np.mean(floats(numbers.numerator) ** 2)))
    return float(f"{size:.6g}")

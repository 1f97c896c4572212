"""A check whose numbers come from `shifts.json`: claim to how far its metric moved, and its verdict.

A conftest of a test imports `pytest_circuitcheck_check` from here.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from baseline_samples import SHA, Numbers, clean_metric, verdict
from fake_check import fake_result


def pytest_circuitcheck_check(spec, claims, options):
    said = json.loads(Path("shifts.json").read_text(encoding="utf-8"))
    provenance = {
        "model": {"name": "/x", "sha256": said.get("sha", SHA)},
        "device": "cpu",
        "dtype": "float32",
    }
    verdicts = tuple(_verdict(spec, claim, said.get(claim, {})) for claim in claims)
    return replace(fake_result(spec, claims), verdicts=verdicts, errors={}, provenance=provenance)


def _verdict(spec, claim, said):
    # Up and down by turns in each cell: were the change the same everywhere, it would prove less.
    shifts = said.get("shift", 0.0) * (1 + 0.1 * (-1.0) ** (np.arange(96) // 4))
    numbers = Numbers(clean_metric() + shifts, None, quantity="logit_diff", expected=">= 0.5")
    words = next(each for each in spec.claims if each.id == claim)
    known = words.known_failure.reason if words.known_failure else ""
    # A claim is told from the others by what it measures, which `FILE` of fake_check makes the same for all.
    return verdict(
        claim,
        numbers,
        verb="measure",
        outcome=said.get("outcome", "supported"),
        facts={"metric": said.get("metric", claim)},
        known_failure=known,
        line=spec.line_of(claim),
    )

"""A check that measures nothing: verdicts come from `verdict_samples` by claim id.

A conftest of a test imports `pytest_circuitcheck_check` from here. Each call adds a line to
`measured.log`, so that tests can count measurements over processes.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from verdict_samples import BEHAVIOUR, KNOWN, REFUTED, REPORTED, UNDECIDED

from circuitcheck.engine import Forecast
from circuitcheck.errors import CircuitCheckError
from circuitcheck.uses import setup_names
from circuitcheck.verdict import Outcome

SAMPLES = {verdict.claim: verdict for verdict in (BEHAVIOUR, KNOWN, REFUTED, REPORTED, UNDECIDED)}
SAMPLES["fixed"] = replace(BEHAVIOUR, claim="fixed")
SAMPLES["known-doubt"] = replace(UNDECIDED, claim="known-doubt")
WRONG = {"gone": "L9H6 is in layer 9, and the model has 3. Name a layer from 0 to 2."}

FILE = """\
circuitcheck: 1
circuit: {circuit}
title: Indirect object identification
model: ioi-mini
prompts: {{family: ioi, n: 64}}
claims:
"""
CLAIM = """\
  - id: {id}
    says: Something about {id}.
    measure: clean
    expect: {{logit_diff: ">= 0.5"}}
"""
KNOWN_FAILURE = '    known_failure: {reason: not yet understood, issue: "#12"}\n'


@dataclass(frozen=True)
class FakeSetup:
    """Has the fields of `SetupResult`, whose import takes seconds that every inner run would pay."""

    name: str
    ok: bool
    message: str
    facts: dict[str, float | str]


@dataclass(frozen=True)
class FakeResult:
    """Has the fields of `CheckResult`."""

    spec: Any
    verdicts: tuple[Any, ...]
    errors: dict[str, str]
    setup: tuple[FakeSetup, ...]
    provenance: dict[str, Any]
    seconds: float
    example: Any = None
    features: tuple[Any, ...] = ()


EXAMPLE = SimpleNamespace(tokens=("<bos>", "Mary"), roles={"IO": 1}, template="garden", order="ABBA")


def circuit_file(*claims, circuit="ioi", extra=None):
    """The text of a circuit file; `extra` maps a claim's id to further lines."""
    lines = [CLAIM.format(id=claim) + (extra or {}).get(claim, "") for claim in claims]
    return FILE.format(circuit=circuit) + "".join(lines)


def fake_result(spec, claims):
    """What a check of these claims would give back."""
    verdicts = [_verdict(spec, claim) for claim in claims if claim in SAMPLES]
    return FakeResult(
        spec=spec,
        verdicts=tuple(verdicts),
        errors={claim: WRONG[claim] for claim in claims if claim in WRONG},
        setup=tuple(FakeSetup(name, ok=True, message="in order", facts={}) for name in setup_names(spec)),
        provenance={"model": "ioi-mini", "seed": 0, "digests": ("ab", "cd")},
        seconds=0.5,
        example=EXAMPLE,
    )


def _verdict(spec, claim):
    known = next(each.known_failure for each in spec.claims if each.id == claim)
    reason = known.reason if known else ""
    return replace(SAMPLES[claim], line=spec.line_of(claim), known_failure=reason)


def pytest_circuitcheck_check(spec, claims, options):
    with Path("measured.log").open("a", encoding="utf-8") as log:
        log.write(f"{spec.circuit}: {' '.join(claims)} {dict(options)}\n")
    return fake_result(spec, claims)


assert SAMPLES["backup-compensates"].outcome is Outcome.REFUTED, "tests rely on it"


class FakePlanner:
    """Plans without a model: a measurement per claim, the first of each file made already."""

    def __init__(self, store=None):
        self.total = FakePlan(0, 0, Forecast())

    def plan(self, spec, *, claims, setup=(), **options):
        if spec.circuit == "broken":
            msg = "the model is not there."
            raise CircuitCheckError(msg)
        with Path("measured.log").open("a", encoding="utf-8") as log:
            log.write(f"plan {spec.circuit}: {' '.join(claims)} {options}\n")
        plan = FakePlan(len(claims), 1, Forecast(1, 10.0, 100, 0.5, 1 << 20))
        self.total = FakePlan(
            self.total.wanted + plan.wanted, self.total.stored + 1, self.total.forecast + plan.forecast
        )
        return plan


@dataclass(frozen=True)
class FakePlan:
    """Has the fields of `FilePlan`."""

    wanted: int
    stored: int
    forecast: Forecast

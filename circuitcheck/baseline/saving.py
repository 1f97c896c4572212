"""From the results of a run to the baseline file: all of its claims, or some, the others staying as they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from circuitcheck.baseline.provenance import origin_of, unit_of
from circuitcheck.baseline.questions import judging_of, question_of
from circuitcheck.baseline.records import Baseline, KeptClaim, KeptPart, Origin
from circuitcheck.report.claim_records import ClaimRecord, PartRecord
from circuitcheck.report.pairing_records import NumbersRecord, PromptsRecord
from circuitcheck.report.results import FileRecord, RunResults

_NAME_LENGTH = 12
"""Hexadecimal digits that name a column or an origin."""


@dataclass(frozen=True)
class Kept:
    """A baseline made of a run, and the claims that are not in it, each with the reason."""

    baseline: Baseline
    left_out: Mapping[str, str]


def baseline_of(results: RunResults) -> Kept:
    """A baseline of every claim of the run that was measured from a circuit file."""
    return with_claims(Baseline(), results)


def with_claims(baseline: Baseline, results: RunResults, names: Collection[str] = ()) -> Kept:
    """The baseline with the run's numbers for the named claims (`claim` or `circuit::claim`; all, left out)."""
    making = _Making(_without_lost(baseline, results, names))
    left_out = {}
    for file, record in claims_of(results):
        if not is_named(file.circuit, record.claim, names):
            continue
        if reason := why_not(record):
            left_out[f"{file.circuit}::{record.claim}"] = reason
        else:
            making.add(file, results.environment, record)
    return Kept(making.result(), left_out)


def claims_of(results: RunResults) -> Iterator[tuple[FileRecord, ClaimRecord]]:
    """The claims that were measured from circuit files; those of Python tests are the tests' own matter."""
    return ((file, record) for file in results.files if not file.test for record in file.claims)


def is_named(circuit: str, claim: str, names: Collection[str]) -> bool:
    """Whether a claim is among those that were asked for; all are, where none is named."""
    return not names or claim in names or f"{circuit}::{claim}" in names


def why_not(record: ClaimRecord) -> str:
    """Why there is nothing to keep of a claim; "" where there is."""
    if record.verdict == "error":
        return f"it could not be measured: {record.error}"
    if record.written.get("for_all"):
        return "a claim about every prompt is searched, so that there is no sample to compare"
    if record.prompts is None or len(record.numbers) != len(record.parts):
        return "the run has no numbers per prompt; run the circuit files again"
    return ""


def lost_names(baseline: Baseline, file: FileRecord) -> set[str]:
    """Claims of the baseline that the run, which was held against it, saw gone from the file or renamed."""
    renamed = {
        record.since_baseline.name
        for record in file.claims
        if record.since_baseline and record.since_baseline.name != record.claim
    }
    return ({*file.gone} | renamed) & set(baseline.claims.get(file.circuit, {}))


def _without_lost(baseline: Baseline, results: RunResults, names: Collection[str]) -> Baseline:
    """The baseline without the old names of claims that are accepted now, and without accepted losses."""
    claims = dict(baseline.claims)
    for file in results.files:
        new_names = {
            record.since_baseline.name: record.claim for record in file.claims if record.since_baseline
        }
        lost = {
            name
            for name in lost_names(baseline, file)
            if is_named(file.circuit, name, names) or is_named(file.circuit, new_names.get(name, name), names)
        }
        kept = claims.get(file.circuit, {})
        claims[file.circuit] = {name: claim for name, claim in kept.items() if name not in lost}
    return baseline.model_copy(update={"claims": {name: kept for name, kept in claims.items() if kept}})


@dataclass
class _Making:
    """A baseline while claims are put into it."""

    start: Baseline
    claims: dict[str, dict[str, KeptClaim]] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    prompts: dict[str, PromptsRecord] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)

    def add(self, file: FileRecord, environment: Mapping[str, str], record: ClaimRecord) -> None:
        assert record.prompts is not None, "asked for by why_not"
        assert record.verdict != "error", "asked for by why_not"
        origin = origin_of(file, environment)
        digest = _digest(json.dumps(origin.model_dump(mode="json"), sort_keys=True))
        self.origins[digest] = origin
        self.prompts[record.prompts.digest] = record.prompts
        self.claims.setdefault(file.circuit, {})[record.claim] = KeptClaim(
            verdict=record.verdict,
            question=question_of(record),
            judged_by=judging_of(record),
            confidence=record.confidence or 0.95,
            n=record.compared,
            prompts=record.prompts.digest,
            origin=digest,
            parts=[
                self._part(record, part, numbers)
                for part, numbers in zip(record.parts, record.numbers, strict=True)
            ],
        )

    def result(self) -> Baseline:
        circuits = {*self.start.claims, *self.claims}
        return Baseline(
            claims={name: self.start.claims.get(name, {}) | self.claims.get(name, {}) for name in circuits},
            origins=self.start.origins | self.origins,
            prompts=self.start.prompts | self.prompts,
            columns=self.start.columns | self.columns,
        ).without_leftovers()

    def _part(self, record: ClaimRecord, part: PartRecord, numbers: NumbersRecord) -> KeptPart:
        return KeptPart(
            quantity=part.quantity,
            slice=part.slice,
            expected=part.expected,
            estimate=_short(part.estimate),
            low=_short(part.low),
            high=_short(part.high),
            unit=unit_of(record, part, numbers),
            rows=numbers.rows,
            numerator=self._column(numbers.numerator),
            denominator=self._column(numbers.denominator),
            limits=numbers.limits,
        )

    def _column(self, text: str) -> str:
        if not text:
            return ""
        name = _digest(text)
        self.columns[name] = text
        return name


def _short(value: float | None) -> float | None:
    """Six digits: further ones differ between machines and would show as changes."""
    return None if value is None else float(f"{value:.6g}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_NAME_LENGTH]

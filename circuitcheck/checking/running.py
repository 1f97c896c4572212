"""Measures the claims of one file together and judges each: equal runs are shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from circuitcheck.checking.controls import ControlRun
from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import Aliases
from circuitcheck.claims.controls import ruled
from circuitcheck.claims.judging import Assessment, assess, conclude
from circuitcheck.claims.planning import requests_of, uses_reference_set
from circuitcheck.engine import Engine, Measurement, Plan, Progress, Request
from circuitcheck.errors import MeasurementError
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.verdict import Verdict


@dataclass(frozen=True)
class Prompted:
    """The prompts of one corruption, with the reference set where something averages over it."""

    evaluated: PromptSet
    references: PromptSet


@dataclass(frozen=True)
class Judged:
    """Verdicts, and the claims that could not be measured with the reason of each."""

    verdicts: tuple[Verdict, ...]
    errors: Mapping[str, str]


@dataclass
class ClaimRun:
    """Measures and judges claims of one file on one engine."""

    spec: CircuitSpec
    engine: Engine
    mlp_aliases: Aliases
    prompts: Mapping[str, Prompted]
    """By corruption."""
    progress: Progress | None = None
    errors: dict[str, str] = field(default_factory=dict)

    def judge(self, claims: Sequence[Claim], obstacle: str) -> Judged:
        """Verdicts of `claims`; `obstacle` keeps every claim but `measure` from being judged, if any."""
        cases = self._cases(claims)
        assessments = [found for case in cases if (found := self._assess(case, obstacle))]
        controls = ControlRun(self.engine, self.progress)
        verdicts = [
            ruling
            for verdict, assessment in zip(conclude(assessments), assessments, strict=True)
            if (ruling := self._against_controls(verdict, assessment, controls))
        ]
        return Judged(tuple(verdicts), dict(self.errors))

    def _assess(self, case: Case, obstacle: str) -> Assessment | None:
        try:
            return assess(case, "" if case.claim.verb == "measure" else obstacle)
        except MeasurementError as error:
            self.errors[case.claim.id] = str(error)
            return None

    def _against_controls(self, verdict: Verdict, assessment: Assessment, run: ControlRun) -> Verdict | None:
        """The verdict that controls leave standing; an obstacle to the claim is one to its controls too."""
        case = assessment.case
        if case.claim.versus is None or assessment.obstacle:
            return verdict
        try:
            references = self.prompts[corruption_of(case.claim, self.spec)].references
            return ruled(verdict, run.controls(case, references))
        except MeasurementError as error:
            self.errors[case.claim.id] = f"its controls cannot be measured: {error}"
            return None

    def _cases(self, claims: Sequence[Claim]) -> list[Case]:
        cases = []
        for corruption in dict.fromkeys(corruption_of(claim, self.spec) for claim in claims):
            sharing = [claim for claim in claims if corruption_of(claim, self.spec) == corruption]
            cases += self._measured(sharing, self.prompts[corruption])
        in_file = [claim.id for claim in claims]
        return sorted(cases, key=lambda case: in_file.index(case.claim.id))

    def _measured(self, claims: Sequence[Claim], prompts: Prompted) -> list[Case]:
        """Cases of claims on the same prompts; when one cannot be measured, the others still are."""
        wanted = {claim.id: requests_of(claim, self.spec, self.mlp_aliases) for claim in claims}
        try:
            everything = self._measure([request for each in wanted.values() for request in each], prompts)
        except MeasurementError as error:
            return self._one_by_one(claims, prompts, error)
        return [self._case(claim, prompts, everything) for claim in claims]

    def _one_by_one(self, claims: Sequence[Claim], prompts: Prompted, error: MeasurementError) -> list[Case]:
        if len(claims) == 1:
            self.errors[claims[0].id] = str(error)
            return []
        return [case for claim in claims for case in self._measured([claim], prompts)]

    def _measure(self, requests: list[Request], prompts: Prompted) -> Measurement:
        plan = Plan.of(requests)
        return self.engine.measure(plan, prompts.evaluated, prompts.references, self.progress)

    def _case(self, claim: Claim, prompts: Prompted, measured: Measurement) -> Case:
        return Case(claim, self.spec, prompts.evaluated, measured, self.mlp_aliases, self.engine.shape)


def corruption_of(claim: Claim, spec: CircuitSpec) -> str:
    """The corruption that a claim's corrupt prompts are made by: its own, else the file's."""
    return claim.corrupt or spec.prompts.corruption or ""


def needs_references(claims: Sequence[Claim], spec: CircuitSpec, mlp_aliases: Aliases) -> bool:
    """Whether any of the claims averages over the reference set."""
    return any(uses_reference_set(requests_of(claim, spec, mlp_aliases)) for claim in claims)

"""Measures the claims of one file together and judges each: equal runs are shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from circuitcheck.checking.controls import ControlRun
from circuitcheck.checking.elsewhere import case_elsewhere
from circuitcheck.checking.stretches import Stretches
from circuitcheck.checking.watching import Watch, settle, told
from circuitcheck.claims.conditions import Aliases
from circuitcheck.claims.controls import ruled
from circuitcheck.claims.judging import Assessment, conclude
from circuitcheck.claims.planning import requests_of, uses_reference_set
from circuitcheck.engine import Engine, Plan, Progress
from circuitcheck.errors import MeasurementError
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.verdict import Verdict


@dataclass(frozen=True)
class Prompted:
    """The prompts of one corruption, with the reference set where something averages over it."""

    evaluated: PromptSet
    references: PromptSet

    @cached_property
    def stretches(self) -> Stretches:
        """The evaluated prompts, cut at the looks of claims."""
        return Stretches(self.evaluated)


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
    to_the_end: bool = False
    """Measure what is settled on all prompts too, for comparison with other runs."""
    elsewhere: Mapping[str, Prompted] = field(default_factory=dict)
    """Other prompts, by the id of the claim that speaks of them."""

    def judge(self, claims: Sequence[Claim], obstacle: str) -> Judged:
        """Verdicts of `claims`; `obstacle` keeps every claim but `measure` from being judged, if any.

        Claims are looked at again and again, on more prompts each time, until they are settled; what is settled
        is not measured any further.
        """
        watches = [self._watch(claim, "" if claim.verb == "measure" else obstacle) for claim in claims]
        for watch in watches:
            self._look_elsewhere(watch)
        for look in range(max((len(watch.looks) for watch in watches), default=0)):
            for corruption, prompts in self.prompts.items():
                sharing = [each for each in watches if corruption_of(each.claim, self.spec) == corruption]
                self._look(look, [each for each in sharing if each.is_open], prompts)
            settle(watches)
        errors = {watch.claim.id: watch.error for watch in watches if watch.error}
        assessments, controls = told(watches), ControlRun(self.engine, self.progress)
        verdicts = [
            ruling
            for verdict, assessment in zip(conclude(assessments), assessments, strict=True)
            if (ruling := self._against_controls(verdict, assessment, controls, errors))
        ]
        return Judged(tuple(verdicts), errors)

    def _watch(self, claim: Claim, obstacle: str) -> Watch:
        return Watch(
            claim,
            self.spec,
            self.prompts[corruption_of(claim, self.spec)].stretches,
            requests_of(claim, self.spec, self.mlp_aliases),
            self.mlp_aliases,
            self.engine.shape,
            obstacle,
            self.to_the_end,
        )

    def _look_elsewhere(self, watch: Watch) -> None:
        prompts = self.elsewhere.get(watch.claim.id)
        if prompts is None:
            return
        there = prompts.evaluated, prompts.references
        try:
            watch.elsewhere = case_elsewhere(
                watch.claim, self.spec, *there, self.engine, self.mlp_aliases, self.progress
            )
        except MeasurementError as error:
            watch.fail(str(error))

    def _look(self, look: int, watches: Sequence[Watch], prompts: Prompted) -> None:
        """Measure claims on the next stretch together; when one cannot be measured, the others still are."""
        if not watches:
            return
        plan = Plan.of([request for watch in watches for request in watch.requests])
        part = prompts.stretches.parts[look]
        try:
            measured = self.engine.measure(plan, part, prompts.references, self.progress)
        except MeasurementError as error:
            if len(watches) == 1:
                watches[0].fail(str(error))
            else:
                for watch in watches:
                    self._look(look, [watch], prompts)
            return
        for watch in watches:
            watch.add(measured)

    def _against_controls(
        self, verdict: Verdict, assessment: Assessment, run: ControlRun, errors: dict[str, str]
    ) -> Verdict | None:
        """The verdict that controls leave standing; an obstacle to the claim is one to its controls too."""
        case = assessment.case
        if case.claim.versus is None or assessment.obstacle:
            return verdict
        try:
            references = self.prompts[corruption_of(case.claim, self.spec)].references
            return ruled(verdict, run.controls(case, references))
        except MeasurementError as error:
            errors[case.claim.id] = f"its controls cannot be measured: {error}"
            return None


def corruption_of(claim: Claim, spec: CircuitSpec) -> str:
    """The corruption that a claim's corrupt prompts are made by: its own, else the file's."""
    return claim.corrupt or spec.prompts.corruption or ""


def needs_references(claims: Sequence[Claim], spec: CircuitSpec, mlp_aliases: Aliases) -> bool:
    """Whether any of the claims averages over the reference set."""
    return any(uses_reference_set(requests_of(claim, spec, mlp_aliases)) for claim in claims)

"""Measures the controls of claims with `versus`: profiles once for each place, then all controls in one plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from circuitcheck.claims.case import Case
from circuitcheck.claims.controls import (
    Trial,
    balanced_rows,
    effect_of,
    features_of,
    judge_controls,
    named_in,
    seed_of,
    trial_of,
    trial_requests,
    versus_of,
)
from circuitcheck.claims.judging import alpha_side, confidence_of
from circuitcheck.claims.matching import Drawn, draw, place_of
from circuitcheck.claims.minimal_controls import judge_worth, outsiders, worth_requests
from circuitcheck.claims.random_circuits import draw_circuits
from circuitcheck.engine import Engine, Errand, Plan, Profile, Progress, Shape
from circuitcheck.nodes import Node
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.verdict import Controls

Tokens = tuple[tuple[int, ...], ...]


@dataclass
class ControlRun:
    """Measures controls on one engine; remembers how features behave at each place."""

    engine: Engine
    progress: Progress | None = None
    _profiles: dict[tuple[Node, Tokens], Profile] = field(default_factory=dict)

    def controls(self, case: Case, references: PromptSet) -> Controls:
        """How a measured claim with `versus` does against matched features, on all prompts that it might have taken.

        Raises:
            MeasurementError: a control cannot be measured.
        """
        case = replace(case, prompts=case.prompts.whole)
        if case.claim.verb == "minimal":
            return self._worth(case, references)
        drawn = self.drawn(case)
        trial = trial_of(case.claim, case.spec, drawn.groups)
        measured = self._measured(case, trial, references)
        effects = [effect_of(each) for each in measured]
        last = 1 + len(trial.controls)
        found = judge_controls(
            measured[0], drawn, effects[0], effects[1:last], alpha_side(confidence_of(case))
        )
        return replace(found, error_effect=effects[last] if trial.errors else None)

    def drawn(self, case: Case) -> Drawn:
        """The nodes that stand in for those of a claim: features by what their places' profiles show, or at random.

        Raises:
            MeasurementError: a profile cannot be made.
        """
        versus, seed = versus_of(case.claim), seed_of(case.claim, case.prompts)
        if versus.draws_circuits:
            nodes, shape, among = case.claim.nodes(case.spec), self.engine.shape, versus.among or "all"
            return draw_circuits(nodes, shape, wanted=versus.number, among=among, seed=seed)
        features = features_of(case.claim, case.spec)
        places = dict.fromkeys(place_of(feature) for feature in features)
        return draw(
            features,
            {place: self._profile(place, case.prompts) for place in places},
            named_in(case.claim, case.spec),
            wanted=versus.number,
            prompts=len(case.prompts),
            seed=seed,
        )

    def _worth(self, case: Case, references: PromptSet) -> Controls:
        """What each node of a minimal circuit is worth beside nodes from outside."""
        errand = worth_errand(case, self.engine.shape, references)
        measured = self.engine.measure(errand.plan, errand.prompts, references, self.progress)
        found = outsiders(case, self.engine.shape)
        here = replace(case, prompts=errand.prompts, measurement=measured)
        return judge_worth(here, found, alpha_side(confidence_of(case)))

    def _profile(self, place: Node, prompts: PromptSet) -> Profile:
        """The place's profile; its clean prompts are the same under every corruption."""
        key = place, prompts.clean
        if key not in self._profiles:
            self._profiles[key] = self.engine.profile(place, prompts)
        return self._profiles[key]

    def _measured(self, case: Case, trial: Trial, references: PromptSet) -> Sequence[Case]:
        errand = trial_errand(case, trial, references)
        measurement = self.engine.measure(errand.plan, errand.prompts, references, self.progress)
        return [
            replace(case, claim=claim, prompts=errand.prompts, measurement=measurement)
            for claim in trial.claims
        ]


def worth_errand(case: Case, shape: Shape, references: PromptSet) -> Errand:
    """What is measured of the controls of a minimal circuit, and on which of the claim's prompts."""
    prompts = case.prompts.subset(balanced_rows(case.prompts, versus_of(case.claim).n))
    return Errand(prompts, references, Plan.of(worth_requests(case, outsiders(case, shape))))


def trial_errand(case: Case, trial: Trial, references: PromptSet) -> Errand:
    """What is measured of a trial, and on which of the claim's prompts."""
    prompts = case.prompts.subset(balanced_rows(case.prompts, versus_of(case.claim).n))
    requests = [request for claim in trial.claims for request in trial_requests(claim, case)]
    return Errand(prompts, references, Plan.of(requests))

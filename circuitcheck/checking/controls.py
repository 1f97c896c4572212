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
from circuitcheck.engine import Engine, Errand, Plan, Profile, Progress
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
        """How a measured claim with `versus` does against matched features.

        Raises:
            MeasurementError: a control cannot be measured.
        """
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
        """The features that stand in for those of a claim, by what their places' profiles show.

        Raises:
            MeasurementError: a profile cannot be made.
        """
        features = features_of(case.claim, case.spec)
        places = dict.fromkeys(place_of(feature) for feature in features)
        return draw(
            features,
            {place: self._profile(place, case.prompts) for place in places},
            named_in(case.claim, case.spec),
            wanted=versus_of(case.claim).matched_features,
            prompts=len(case.prompts),
            seed=seed_of(case.claim, case.prompts),
        )

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


def trial_errand(case: Case, trial: Trial, references: PromptSet) -> Errand:
    """What is measured of a trial, and on which of the claim's prompts."""
    prompts = case.prompts.subset(balanced_rows(case.prompts, versus_of(case.claim).n))
    requests = [request for claim in trial.claims for request in trial_requests(claim, case)]
    return Errand(prompts, references, Plan.of(requests))

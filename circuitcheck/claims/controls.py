"""Controls of a claim: the same claim with other nodes in it, and what the comparison says.

In: a claim with `versus`, and groups of features that could stand in (`claims.matching`). Out: claims to
measure, and from their numbers `Controls` and the verdict that follows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import condition_of, with_errors_kept
from circuitcheck.claims.matching import Drawn, Group, place_of
from circuitcheck.claims.planning import requests_of
from circuitcheck.claims.questions import samples_of
from circuitcheck.claims.strength import ALL_OF_IT, TIED, strength_of, weaker_and_tied
from circuitcheck.engine import KeepOnly, Request
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.spec import CircuitSpec, Claim, Versus
from circuitcheck.spec.rules.circuits import is_about_one
from circuitcheck.spec.versus import LEAST_CONTROLS
from circuitcheck.statistics import Beaten, beats_share, share_limits
from circuitcheck.verdict import Controls, Outcome, Verdict

_LEAST_IN_CELL = 2
"""Prompts of one cell and length: a prompt's donor is another of these."""


@dataclass(frozen=True)
class Trial:
    """A claim, its controls, and the claim on dictionary errors alone (None where that makes no sense).

    All expect only the quantity that they are compared by.
    """

    own: Claim
    controls: tuple[Claim, ...]
    errors: Claim | None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All of them, the claim first, the errors last."""
        return (self.own, *self.controls, *([self.errors] if self.errors else []))


def versus_of(claim: Claim) -> Versus:
    """What the claim is held against.

    Only for claims that have `versus`.
    """
    assert claim.versus is not None, "only claims with versus have controls"
    return claim.versus


def features_of(claim: Claim, spec: CircuitSpec) -> tuple[Node, ...]:
    """The features that controls replace: those that the claim, or what it is under, intervenes on or sums."""
    words = claim.replacing
    nodes = () if words is None else words.nodes(spec)
    return tuple(node for node in nodes if node.kind is NodeKind.FEATURE)


def named_in(claim: Claim, spec: CircuitSpec) -> frozenset[Node]:
    """Every feature that the claim names anywhere."""
    nodes = claim.nodes(spec) + (claim.under.nodes(spec) if claim.under else ())
    return frozenset(node for node in nodes if node.kind is NodeKind.FEATURE)


def seed_of(claim: Claim, prompts: PromptSet) -> int:
    """Seed of the claim's controls, from the prompts' seed and the claim's id; 32 bits."""
    content = f"{prompts.seed} {claim.id}".encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:4], "big")


def trial_of(claim: Claim, spec: CircuitSpec, groups: Sequence[Group]) -> Trial:
    """The claims to measure."""
    quantity, threshold = claim.leading
    own = claim.model_copy(update={"expect": {quantity: threshold}})
    return Trial(own, tuple(_standing_in(own, spec, group) for group in groups), _on_errors(own, spec))


def trial_requests(claim: Claim, case: Case) -> list[Request]:
    """What one claim of a trial reads; not what only a page shows of a `keep`."""
    condition = condition_of(claim, case.spec, case.mlp_aliases)
    shown = with_errors_kept(condition) if isinstance(condition.intervention, KeepOnly) else None
    requests = requests_of(claim, case.spec, case.mlp_aliases)
    return [request for request in requests if shown is None or request.condition != shown]


def balanced_rows(prompts: PromptSet, n: int) -> NDArray[np.int64]:
    """About `n` prompts, as many of each (template, order) cell: the first of each, two at least.

    Where a cell has prompts of several lengths, none of the chosen is alone of its length if it need not be,
    since `resample` takes its donor among these.
    """
    cells = [np.flatnonzero(prompts.strata == stratum) for stratum in np.unique(prompts.strata)]
    each = max(_LEAST_IN_CELL, n // len(cells))
    chosen = {int(row) for rows in cells for row in rows[:each]}
    for group in prompts.groups:
        for stratum in np.unique(prompts.strata[group]):
            alike = group[prompts.strata[group] == stratum]
            if len(chosen.intersection(alike.tolist())) == 1:
                chosen.update(alike[:_LEAST_IN_CELL].tolist())
    return np.array(sorted(chosen), dtype=np.int64)


def effect_of(case: Case) -> float:
    """The quantity that claim and controls are compared by; NaN where its denominator is zero.

    Where each of several heads or features is judged, the one that speaks least for the claim.
    """
    quantity, _ = case.claim.leading
    estimates = [sample.estimate for _, sample in samples_of(case, quantity)]
    return min(estimates, key=lambda estimate: strength_of(case.claim, estimate))


def judge_controls(
    case: Case, drawn: Drawn, effect: float, effects: Sequence[float], alpha_side: float
) -> Controls:
    """How the claim's own effect did against those of its controls.

    `beaten` counts strictly weaker controls. Against matched features it supports at the required share or above,
    and refutes where even the upper limit of Clopper and Pearson (1934) is below that share, ties then counting
    for the claim. Random circuits are a sample of all, and both answers have to be shown of all.
    """
    versus = versus_of(case.claim)
    own = strength_of(case.claim, effect)
    others = [strength_of(case.claim, each) for each in effects]
    weaker, ties = weaker_and_tied(own, others, TIED if versus.draws_circuits else 0.0)
    found = Controls(
        quantity=case.claim.leading[0],
        effect=effect,
        effects=tuple(effects),
        beaten=weaker / len(effects) if effects else 0.0,
        required=versus.beats,
        n=len(case.prompts),
        seed=seed_of(case.claim, case.prompts),
        outcome=Outcome.MEASURED,
        pools=drawn.pools,
        against="random circuits" if versus.draws_circuits else "matched features",
        target=ALL_OF_IT if is_about_one(case.claim) else None,
        is_exhaustive=drawn.is_exhaustive,
    )
    ruling = _circuit_ruling if versus.draws_circuits else _ruling
    outcome, reason = ruling(case.claim, found, weaker, ties, alpha_side)
    said = "; ".join(filter(None, (reason, drawn.shortage, drawn.looseness)))
    return replace(found, outcome=outcome, reason=said)


def ruled(verdict: Verdict, controls: Controls) -> Verdict:
    """The verdict with its controls: supported needs both, and either refutes."""
    verdict = replace(verdict, controls=controls)
    if controls.outcome is Outcome.REFUTED and verdict.outcome is not Outcome.MEASURED:
        reason = controls.reason if verdict.outcome is not Outcome.REFUTED else verdict.reason
        return replace(verdict, outcome=Outcome.REFUTED, reason=reason)
    if controls.outcome is Outcome.INCONCLUSIVE and verdict.outcome is Outcome.SUPPORTED:
        return replace(verdict, outcome=Outcome.INCONCLUSIVE, reason=controls.reason)
    return verdict


def _ruling(claim: Claim, found: Controls, weaker: int, ties: int, alpha_side: float) -> tuple[Outcome, str]:
    number = len(found.effects)
    if not claim.leading[1].judged:
        return Outcome.MEASURED, ""
    if np.isnan([found.effect, *found.effects]).any():
        return (
            Outcome.INCONCLUSIVE,
            f"{found.quantity} has no value on these prompts: its denominator is zero",
        )
    if number < LEAST_CONTROLS:
        return Outcome.INCONCLUSIVE, f"{number} controls say too little, {LEAST_CONTROLS} are needed"
    if found.beaten >= found.required:
        return Outcome.SUPPORTED, ""
    limits = share_limits(weaker + ties, number, alpha_side)
    told = _told(found, weaker)
    if limits.high < found.required:
        return Outcome.REFUTED, told
    return Outcome.INCONCLUSIVE, f"{told}, and more controls might show that (up to {limits.high:.2f})"


def _circuit_ruling(
    claim: Claim, found: Controls, weaker: int, ties: int, alpha_side: float
) -> tuple[Outcome, str]:
    number = len(found.effects)
    if not claim.leading[1].judged:
        return Outcome.MEASURED, ""
    if not number:
        return Outcome.INCONCLUSIVE, ""
    if np.isnan([found.effect, *found.effects]).any():
        return (
            Outcome.INCONCLUSIVE,
            f"{found.quantity} has no value on these prompts: its denominator is zero",
        )
    beaten = Beaten(weaker, number - weaker - ties, ties, found.is_exhaustive)
    tails = beats_share(beaten, found.required)
    if tails.support <= alpha_side:
        return Outcome.SUPPORTED, ""
    if tails.refute <= alpha_side:
        return Outcome.REFUTED, _told(found, weaker)
    limits = beaten.interval(alpha_side)
    return (
        Outcome.INCONCLUSIVE,
        f"{_told(found, weaker)}: of all it may beat {limits.low:.2f} to {limits.high:.2f}",
    )


def _told(found: Controls, weaker: int) -> str:
    return (
        f"its {found.quantity} beats {weaker} of {len(found.effects)} {found.against}, "
        f"{found.required:g} of them needed"
    )


def _standing_in(claim: Claim, spec: CircuitSpec, group: Mapping[Node, Node]) -> Claim:
    words = claim.replacing
    assert words is not None, "a claim with versus replaces nodes"
    return _with_nodes(claim, [group.get(node, node) for node in words.nodes(spec)])


def _on_errors(claim: Claim, spec: CircuitSpec) -> Claim | None:
    """The claim on the errors of its features' dictionaries at their places, and on nothing else."""
    words = claim.replacing
    if words is None or words.verb not in {"ablate", "patch"} or not features_of(claim, spec):
        return None
    return _with_nodes(claim, list(dict.fromkeys(map(place_of, features_of(claim, spec)))), error=None)


def _with_nodes(claim: Claim, nodes: Sequence[Node], **changed: object) -> Claim:
    words = claim.replacing
    assert words is not None, "a claim with versus replaces nodes"
    update = {words.verb: tuple(map(str, nodes)), **changed}
    if words is claim:
        return claim.model_copy(update=update)
    return claim.model_copy(update={"under": words.model_copy(update=update)})

"""Nodes of a minimal circuit against nodes from outside: who is named, and when nothing can be said."""

import numpy as np
from fakes import FakeEngine, fake_prompts

from circuitcheck.checking.running import ClaimRun, Prompted
from circuitcheck.engine import KeepOnly, Shape
from circuitcheck.reading import read_spec_text
from circuitcheck.verdict import Outcome

HEAD = """
circuitcheck: 1
circuit: test
model: {name: some-model}
prompts: {family: ioi}
claims:
"""
MINIMAL = "minimal: [L3H0@END, L3H1@END], with: zero, expect: {loses: '>= 0.05'}, versus: %s"
CLEAN = 10.0


def sums(worth):
    """A model whose metric is the sum of what the kept heads are worth, the same on every prompt but for noise."""

    def answer(request, n):
        noise = 0.01 * np.random.default_rng(7).standard_normal(n)
        done = request.condition.intervention
        if not isinstance(done, KeepOnly):
            return CLEAN + noise
        return sum(worth(node) for node in done.nodes) + noise

    return answer


def controls_of(worth, versus, claim=MINIMAL, shape=None):
    spec = read_spec_text(f"{HEAD}  - {{id: c, says: so, {claim % versus}}}\n")
    prompts = fake_prompts(128)
    prompted = {spec.prompts.corruption: Prompted(prompts, prompts.subset([]))}
    engine = FakeEngine(sums(worth), shape=shape or Shape(4, 4, 4, 8, 16, 10))
    found = ClaimRun(spec, engine, frozenset(), prompted).judge(spec.claims, "")
    assert not found.errors
    return found.verdicts[0], engine


def own(node):
    return node.layer == 3 and node.head in {0, 1}


def test_a_circuit_whose_every_head_is_worth_more_is_supported():
    verdict, engine = controls_of(lambda node: 2.0 if own(node) else 0.5, "random_circuits")
    controls = verdict.controls
    assert verdict.outcome is controls.outcome is Outcome.SUPPORTED
    assert (controls.beaten, len(controls.effects), controls.is_exhaustive) == (1.0, 14, True)
    assert abs(controls.effect - 0.2) < 1e-3
    assert all(abs(effect - 0.05) < 1e-3 for effect in controls.effects)
    assert controls.pools == {"L3H0@END": 14, "L3H1@END": 14}
    kept = [one.condition.intervention for one in engine.asked[-1].requests]
    assert sorted(len(one.nodes) for one in kept if one) == [1, 1, 2, *[3] * 14]


def test_the_head_that_is_worth_less_is_named_and_shown():
    def worth(node):
        return {0: 2.0, 1: 0.6}[node.head] if own(node) else 0.5 + 0.1 * node.layer

    verdict, _ = controls_of(
        worth, "random_circuits"
    )  # the four heads of layer 1 are worth the same: they tie
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.reason == (
        "L3H1@END is worth more than 4 of 14 nodes from outside the circuit, 0.9 of them needed"
    )
    assert abs(verdict.controls.effect - 0.06) < 1e-3
    assert verdict.parts[0].outcome is verdict.parts[1].outcome is Outcome.SUPPORTED


def test_what_a_head_is_worth_counts_whatever_its_sign():
    verdict, _ = controls_of(lambda node: -2.0 if own(node) else 0.5, "random_circuits")
    assert verdict.outcome is Outcome.SUPPORTED


def test_of_very_many_heads_some_are_drawn_and_the_rest_is_inferred():
    wide = Shape(12, 12, 12, 8, 16, 10)
    few_are_better = sums_with_better_ones(every=11)
    verdict, _ = controls_of(few_are_better, "{random_circuits: 40}", shape=wide)
    controls = verdict.controls
    assert not controls.is_exhaustive
    assert len(controls.effects) == 40
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "L3H0@END is worth more than" in verdict.reason
    assert "L3H1@END is worth more than" in verdict.reason


def sums_with_better_ones(every):
    def worth(node):
        if own(node):
            return 2.0
        return 3.0 if (12 * node.layer + node.head) % every == 0 else 0.5

    return worth


def test_a_circuit_of_all_heads_has_nothing_to_be_compared_with():
    one_layer = Shape(1, 2, 2, 8, 16, 10)
    claim = MINIMAL.replace("L3", "L0")
    verdict, _ = controls_of(lambda _: 2.0, "random_circuits", claim, one_layer)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "there is no other node of this kind at this position"


def test_what_is_only_measured_is_not_judged_by_its_controls():
    claim = MINIMAL.replace(">= 0.05", "?")
    verdict, _ = controls_of(lambda node: 0.1 if own(node) else 0.5, "random_circuits", claim)
    assert verdict.outcome is verdict.controls.outcome is Outcome.MEASURED
    assert verdict.controls.beaten == 0.0

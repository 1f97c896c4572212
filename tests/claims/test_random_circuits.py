"""Other circuits of the same size: what is drawn, and what beating them says."""

import math

import numpy as np
import pytest
from fakes import FakeEngine, fake_prompts, noisy

from circuitcheck.checking.running import ClaimRun, Prompted
from circuitcheck.claims.random_circuits import draw_circuits
from circuitcheck.claims.strength import weaker_and_tied
from circuitcheck.engine import KeepOnly, Shape
from circuitcheck.nodes import NodeKind, parse_node
from circuitcheck.reading import read_spec_text
from circuitcheck.verdict import Outcome

SHAPE = Shape(n_layers=4, n_heads=4, n_kv_heads=4, d_model=8, d_mlp=16, d_vocab=10)
CIRCUIT = tuple(map(parse_node, ("L0H1@END", "L2H3@END", "L1H0@S2", "L3.mlp@END")))
HEAD = """
circuitcheck: 1
circuit: test
model: {name: some-model}
prompts: {family: ioi}
nodes: {own: {heads: [L3H0, L3H1], at: END}}
claims:
"""


def drawn(nodes=CIRCUIT, wanted=50, among="all", seed=0):
    return draw_circuits(nodes, SHAPE, wanted=wanted, among=among, seed=seed)


def places(nodes):
    return sorted((node.kind, node.at) for node in nodes)


def test_every_circuit_has_as_many_nodes_of_each_kind_at_each_position():
    found = drawn()
    assert len(found.groups) == 50
    for group in found.groups:
        assert places(group.values()) == places(CIRCUIT)
        assert all((node.kind, node.at) == (other.kind, other.at) for node, other in group.items())


def test_no_two_circuits_are_the_same_nor_the_claims_own():
    circuits = {frozenset(group.values()) for group in drawn(wanted=200).groups}
    assert len(circuits) == 200
    assert frozenset(CIRCUIT) not in circuits
    assert all(len(circuit) == len(CIRCUIT) for circuit in circuits)


def test_any_layer_is_as_likely_as_any_other():
    layers = [group[CIRCUIT[0]].layer for group in drawn(wanted=400).groups]
    assert np.bincount(layers, minlength=4).min() > 70


def test_the_same_seed_draws_the_same_and_another_does_not():
    assert drawn(seed=3) == drawn(seed=3)
    assert drawn(seed=3).groups != drawn(seed=4).groups


def test_the_complement_holds_none_of_the_claims_own_nodes_at_their_position():
    for group in drawn(among="complement").groups:
        assert not set(group.values()) & set(CIRCUIT)
    assert drawn(among="complement").pools == {
        "L0H1@END": 14,
        "L2H3@END": 14,
        "L1H0@S2": 15,
        "L3.mlp@END": 3,
    }


@pytest.mark.parametrize(("among", "number"), [("all", 16 * 15 // 2 - 1), ("complement", 14 * 13 // 2)])
def test_all_are_taken_where_there_are_no_more_than_twice_as_many(among, number):
    pair = CIRCUIT[:2]
    found = drawn(pair, wanted=math.ceil(number / 2), among=among)
    assert found.is_exhaustive
    assert len({frozenset(group.values()) for group in found.groups}) == number
    assert frozenset(pair) not in {frozenset(group.values()) for group in found.groups}
    assert not drawn(pair, wanted=number // 2 - 1, among=among).is_exhaustive


def test_a_circuit_of_everything_has_no_other():
    every_mlp = [parse_node(f"L{layer}.mlp@END") for layer in range(4)]
    found = drawn(every_mlp)
    assert found.groups == ()
    assert found.shortage == "there is no other circuit of this size"
    assert drawn(every_mlp, among="complement").groups == ()


def model(own, others):
    """What is left of a metric of 1 when the claim's own heads, or others, are kept (or ablated)."""

    def answer(request, n):
        done = request.condition.intervention
        if done is None:
            return noisy(1.0, n, sd=0.01)
        if isinstance(done, KeepOnly) and not done.nodes:
            return noisy(0.0, n, sd=0.01)
        is_own = {(node.layer, node.head) for node in done.nodes} == {(3, 0), (3, 1)}
        key = sum(4 * (node.layer or 0) + (node.head or 0) for node in done.nodes)
        return noisy(own if is_own else others(key), n, sd=0.01, seed=key)

    return answer


def verdict_of(claim, answer):
    spec = read_spec_text(f"{HEAD}  - {{id: c, says: so, {claim}}}\n")
    prompts = fake_prompts(128)
    prompted = {spec.prompts.corruption: Prompted(prompts, prompts.subset([]))}
    run = ClaimRun(spec, FakeEngine(answer, shape=SHAPE), frozenset(), prompted)
    found = run.judge(spec.claims, "")
    assert not found.errors
    return found.verdicts[0]


KEEP = "keep: own, with: zero, by: none, versus: %s, expect: {recovered: '>= 0.7'}"
ABLATE = "ablate: own, with: zero, versus: %s, expect: {drop: '>= 0.3'}"


def test_a_circuit_that_beats_all_sampled_ones_is_supported():
    verdict = verdict_of(KEEP % "{random_circuits: 40}", model(0.9, lambda _: 0.2))
    assert verdict.outcome is verdict.controls.outcome is Outcome.SUPPORTED
    assert verdict.controls.beaten == 1.0
    assert verdict.controls.against == "random circuits"
    assert all(node.endswith("@END") for node in verdict.controls.pools)


def test_nearer_to_all_of_the_behaviour_is_stronger_than_more():
    verdict = verdict_of(KEEP % "{random_circuits: 40}", model(0.9, lambda _: 1.3))
    assert verdict.controls.beaten == 1.0
    verdict = verdict_of(KEEP % "{random_circuits: 40}", model(0.9, lambda _: 0.99))
    assert verdict.controls.beaten == 0.0
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.reason == "its recovered beats 0 of 40 random circuits, 0.9 of them needed"


def test_of_a_drop_more_is_stronger():
    assert verdict_of(ABLATE % "random_circuits", model(0.5, lambda _: 0.7)).controls.beaten == 1.0
    assert verdict_of(ABLATE % "random_circuits", model(0.5, lambda _: 0.3)).controls.beaten == 0.0


def test_a_share_that_the_draws_leave_open_is_inconclusive_and_says_what_it_may_be():
    one_in_nine = model(0.5, lambda key: 0.3 if key % 9 == 0 else 0.7)
    verdict = verdict_of(ABLATE % "{random_circuits: 40}", one_in_nine)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "of all it may beat 0." in verdict.reason


def test_of_all_circuits_that_there_are_the_share_is_known():
    beaten = model(0.5, lambda key: 0.3 if key % 9 == 0 else 0.7)
    verdict = verdict_of(ABLATE % "{random_circuits: 60, beats: 0.85}", beaten)
    assert verdict.controls.is_exhaustive
    assert len(verdict.controls.effects) == 119
    assert verdict.controls.beaten > 0.85
    assert verdict.outcome is Outcome.SUPPORTED
    assert verdict_of(ABLATE % "{random_circuits: 60, beats: 0.93}", beaten).outcome is Outcome.REFUTED


def test_controls_are_of_heads_so_no_errors_of_dictionaries_are_shown():
    verdict = verdict_of(ABLATE % "random_circuits", model(0.5, lambda _: 0.7))
    assert verdict.controls.error_effect is None
    assert {node.kind for node in map(parse_node, verdict.controls.pools)} == {NodeKind.HEAD}


def test_rounding_decides_nothing_between_circuits_that_do_the_same():
    assert weaker_and_tied(0.5, [0.5 - 1e-9, 0.5 + 1e-9, 0.4, 0.6, 0.5]) == (1, 3)
    assert weaker_and_tied(-0.2, [-0.2000000001, -0.3, -0.1]) == (1, 1)
    assert weaker_and_tied(0.5, [0.5 - 1e-9, 0.5], tolerance=0.0) == (1, 1)

"""Steering, paths, limits to a change, and edges as claims: as circuit files write them."""

from pathlib import Path

import pytest

from circuitcheck.nodes import parse_node
from circuitcheck.reading import read_spec, read_spec_text
from circuitcheck.spec import Claim, Edge
from circuitcheck.uses import dictionaries_used, setup_names

GOOD = Path(__file__).parents[1] / "specs" / "good" / "interventions.circuit.yaml"
LOSS = """circuitcheck: 1
circuit: text
model: ioi-mini
prompts: {family: plain, n: 32}
nodes: {reader: {heads: [L1H0], at: all}}
edges: [reader -> L2H0@all (v)]
claims:
  - {id: x, says: y, measure: clean, expect: {loss: "?"}}
"""


@pytest.fixture(scope="module")
def spec():
    return read_spec(GOOD)


def claim(spec, name) -> Claim:
    return next(each for each in spec.claims if each.id == name)


def test_coefficients_rise_whatever_their_order_in_the_file(spec):
    assert claim(spec, "steer-features").coefficients == (-1.0, 2.5, 4.0)
    assert claim(spec, "steer-features").steered == "add"
    assert claim(spec, "steer-against-controls").coefficients == (0.0,)
    assert claim(spec, "steer-a-neuron").steered == "set"
    assert claim(spec, "path").steered is None


def test_the_effect_of_steering_is_measured_whatever_is_expected(spec):
    assert list(claim(spec, "steer-a-neuron").thresholds) == ["step", "effect"]
    assert not claim(spec, "steer-a-neuron").thresholds["effect"].judged
    assert claim(spec, "steer-against-controls").thresholds["effect"].judged
    assert list(claim(spec, "steer-a-neuron").expect) == ["step"]


def test_a_path_and_hooks_are_read_as_what_they_name(spec):
    assert claim(spec, "path").path == Edge("readers", "mover", "q")
    assert claim(spec, "read-once").from_hook == parse_node("L3.resid")
    assert claim(spec, "read-once").until == parse_node("L3.resid_mid")


def test_every_edge_is_a_claim_behind_those_that_are_written_out(spec):
    assert len(spec.claims) == len(spec.written) + 4
    assert spec.claims[: len(spec.written)] == spec.written
    assert [each.id for each in spec.claims[len(spec.written) :]] == [
        "edge-readers-mover-q",
        "edge-mover-next-in",
        "edge-l0h1-s2-readers-v",
        "edge-l0-mlp-s1-l1h0-end-k",
    ]


def test_an_edge_says_in_a_sentence_who_reads_what(spec):
    said = {each.id: each.says for each in spec.claims}
    assert said["edge-readers-mover-q"] == "readers write what mover reads as its query."
    assert said["edge-mover-next-in"] == "mover writes what next read as their input."
    assert said["edge-l0h1-s2-readers-v"] == "L0H1@S2 writes what readers read as their value."


def test_an_edge_alone_is_path_patching_that_loses_something(spec):
    edge = claim(spec, "edge-readers-mover-q")
    assert (edge.verb, edge.patch_from, edge.patch_into) == ("patch", "corrupt", "clean")
    assert edge.path == Edge("readers", "mover", "q")
    assert edge.nodes(spec) == spec.group("readers")
    assert {name: (wanted.low, wanted.high) for name, wanted in edge.thresholds.items()} == {
        "lost": (0.0, None)
    }


def test_an_edge_may_say_more(spec):
    edge = claim(spec, "edge-l0h1-s2-readers-v")
    assert (edge.downstream, edge.mlps, edge.tags) == ("frozen", "live", ("slow",))
    assert edge.known_failure is not None
    assert edge.known_failure.issue == "3"
    assert edge.thresholds["logit_diff"].high == 6
    assert not claim(spec, "edge-l0-mlp-s1-l1h0-end-k").thresholds["lost"].judged


def test_the_claim_of_an_edge_stands_in_the_line_of_the_edge(spec):
    lines = GOOD.read_text(encoding="utf-8").splitlines()
    assert lines[spec.line_of("edge-readers-mover-q") - 1] == "  - readers -> mover (q)"
    assert lines[spec.line_of("edge-l0h1-s2-readers-v") - 1] == "  - edge: L0H1@S2 -> readers (v)"


def test_where_less_of_the_metric_is_better_an_edge_raises_it():
    (edge,) = read_spec_text(LOSS).claims[1:]
    assert {name: wanted.low for name, wanted in edge.thresholds.items()} == {"effect": 0.0}


def test_edges_use_the_dictionaries_of_what_writes():
    text = GOOD.read_text(encoding="utf-8").partition("edges:")[0]
    edges = """edges: ["L0.z/3@END -> mover (q)"]
claims: [{id: x, says: y, measure: clean, expect: {logit_diff: "?"}}]
"""
    spec = read_spec_text(text + edges)
    (use,) = dictionaries_used(spec, spec.claims)
    assert dict(use.places) == {parse_node("L0.z/error@END"): (3,)}
    assert setup_names(spec) == ("setup-prompts", "setup-model", "setup-dictionary-z")

"""Stronger evidence on the page and in the terminal: what was done, and what random circuits say."""

from dataclasses import replace

import pytest
from report_samples import CONTROLS, claim
from verdict_samples import REFUTED

from circuitcheck.report.claim_records import ClaimRecord
from circuitcheck.report.html.claim_view import claim_view
from circuitcheck.report.html.controls_view import controls_view
from circuitcheck.report.html.deeds import deed
from circuitcheck.report.html.words import quantity_meaning
from circuitcheck.report.results import FileRecord
from circuitcheck.report.wording import controls_line, required_effect
from circuitcheck.spec.words import QUANTITIES
from circuitcheck.verdict import Outcome

CIRCUITS = replace(
    CONTROLS,
    quantity="recovered",
    effect=0.9,
    effects=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 1.05, 1.3, 1.6),
    beaten=0.9,
    required=0.8,
    error_effect=None,
    against="random circuits",
    target=1.0,
    pools={"L2H0@END": 16, "L3.mlp@END": 4},
)


def told(verb, facts=None, **written):
    verdict = replace(REFUTED, verb=verb, facts=facts or {"scope": "heads"})
    return deed(claim(verdict, nodes=["L2H0@END"], **written), [])


def test_every_ablation_of_a_list_is_told():
    text = told("ablate", {"replaced by": "resample, zero"}, **{"with": ["resample", "zero"]})
    assert "was replaced in 2 ways, one after the other (by its value on another corrupt prompt" in text
    assert text.endswith("; by zero).")


def test_a_complete_circuit_is_told_to_lose_what_the_model_loses():
    text = told("complete", {"ablated by": "mean", "scope": "heads"})
    assert text.startswith("On clean prompts, every attention head was replaced by its mean over")
    assert "parts of these were taken out as well, each of them also out of the whole model" in text


def test_a_minimal_circuit_is_told_to_lose_one_node_at_a_time():
    assert "these were taken out one at a time" in told("minimal", {"ablated by": "zero", "scope": "heads"})


def test_other_prompts_are_named_in_what_was_done():
    there = {"prompts": {"family": "greater-than", "n": 64}, "expect": {"drop": "<= 0.1"}}
    assert "The same was done on other prompts: greater-than." in told("ablate", elsewhere=there)


def test_every_quantity_that_a_verb_measures_is_explained():
    for verb, quantities in QUANTITIES.items():
        for quantity in quantities:
            assert quantity_meaning(quantity), (verb, quantity)


def test_random_circuits_are_told_by_their_size_and_by_how_near_they_come():
    verdict = replace(REFUTED, controls=CIRCUITS)
    view = controls_view(claim(verdict))
    assert view.done == (
        "The same was done with 10 other circuits of exactly the same size: as many heads and MLPs at the same "
        "positions, in any layer."
    )
    assert "beats 9 of 10 random circuits, being nearer to 1" in view.found
    assert "it has to be shown that 80% of all are beaten" in view.found
    assert view.facts == "stand-ins drawn from 4 to 16 nodes for each · seed 7"
    assert "features" not in view.done + view.found + view.facts


def test_all_circuits_that_there_are_are_counted():
    view = controls_view(claim(replace(REFUTED, controls=replace(CIRCUITS, is_exhaustive=True))))
    assert "of exactly the same size, which are all that there are:" in view.done
    assert "(8 are required)" in view.found


def test_nodes_from_outside_are_told_by_what_they_are_worth():
    outside = replace(CIRCUITS, quantity="loses", against="nodes from outside the circuit", target=None)
    view = controls_view(claim(replace(REFUTED, controls=outside)))
    assert view.done.startswith("What each node is worth was compared with what other nodes of its kind")
    assert (
        "the weakest node's loses of 0.900 beats 9 of 10 nodes from outside the circuit (it has to be"
        in view.found
    )
    assert view.facts.startswith("stand-ins drawn from 4 to 16 nodes for each")


def test_the_effect_to_beat_is_as_near_as_the_required_share_is():
    # From the farthest 0.1, 0.2, 0.3, then 1.6 and 0.4, 0.5, 0.6, and the eighth of ten is 0.3 away: 1.3 or 0.7.
    assert abs(required_effect(CIRCUITS) - 1) == pytest.approx(0.3)
    assert controls_line(CIRCUITS).startswith("beats 9 of 10 random circuits (their median 0.55")


def test_controls_of_every_kind_come_back_from_their_record():
    for controls in (CONTROLS, CIRCUITS, replace(CIRCUITS, is_exhaustive=True, target=None)):
        record = ClaimRecord.of(replace(REFUTED, controls=controls))
        assert ClaimRecord.model_validate_json(record.model_dump_json()).to_verdict().controls == controls


def test_the_numbers_of_a_complete_circuit_are_those_of_model_and_circuit():
    verdict = replace(REFUTED, verb="complete", outcome=Outcome.REFUTED, facts={"metric": "logit_diff"})
    file = FileRecord(path="a.circuit.yaml", circuit="a", title="", model="m")
    assert claim_view(claim(verdict), file, "c").prompts_in == (
        "logit_diff of the model → of the circuit, without the same nodes"
    )

"""Samples are spread evenly, lie inside one another, and stand for the whole work."""

import pytest

from benchmarks import works
from benchmarks.hooked import HookedLoop
from benchmarks.sampling import LEAST, evenly, sample
from benchmarks.sides import EngineSide
from benchmarks.works import WORKS

HEADS, LAYERS = 4, 4


@pytest.mark.parametrize(
    ("count", "of", "expected"),
    [(1, 12, [6]), (4, 12, [1, 4, 7, 10]), (3, 3, [0, 1, 2]), (9, 3, [0, 1, 2])],
)
def test_numbers_are_spread_over_the_middles_of_equal_stretches(count, of, expected):
    assert evenly(count, of) == expected


def test_the_whole_work_is_a_sample_of_itself(gpt2):
    work = WORKS["a"](gpt2)
    found = sample(work, ours=1, theirs=1)
    assert found.ours == found.theirs == work.interventions


def test_ours_are_whole_layers_and_theirs_are_among_them(gpt2):
    work = WORKS["a"](gpt2)
    found = sample(work, ours=0.5, theirs=0.2)
    assert {node.layer for one in found.ours for node in one.nodes} == {1, 3}
    assert len(found.ours) == 2 * HEADS
    assert len(found.theirs) == int(0.2 * HEADS * LAYERS)
    assert set(found.theirs) < set(found.ours)


def test_the_smallest_sample_is_one_layer_and_one_intervention(gpt2):
    found = sample(WORKS["a"](gpt2), ours=0, theirs=0)
    assert (len(found.ours), len(found.theirs)) == (HEADS, 1)


@pytest.mark.parametrize("key", ["a", "e-50"])
def test_theirs_fill_a_whole_batch(gpt2, key):
    found = sample(WORKS[key](gpt2), ours=0, theirs=0, least=3)
    assert len(found.theirs) == 3
    assert set(found.theirs) <= set(found.ours)


def test_a_layer_of_many_features_is_not_taken_whole(gpt2, monkeypatch):
    monkeypatch.setattr(works, "FEATURES", 80)
    work = WORKS["d-end"](gpt2)
    few, more = (sample(work, ours=share, theirs=0).ours for share in (0, 0.2))
    assert (len(few), len(more)) == (LEAST, int(0.2 * 80))
    assert {node.layer for one in (*few, *more) for node in one.nodes} == {2}


def test_circuits_have_no_layer_and_are_taken_one_by_one(gpt2):
    work = WORKS["e-50"](gpt2)
    found = sample(work, ours=0.4, theirs=0)
    assert found.ours == (work.interventions[1], work.interventions[3])


def test_plain_passes_cost_the_same_and_one_more_is_run_over_the_corrupt_prompts(gpt2):
    work = WORKS["a"](gpt2).interventions
    loop = HookedLoop(gpt2, 8, end_only=True)
    assert loop.share(work[:3], work) == 4 / 17
    assert loop.prepared(work).share(work[:3], work) == 3 / 16


def test_our_share_counts_early_layers_for_more_than_late_ones(gpt2):
    work, engine = WORKS["a"](gpt2).interventions, EngineSide(gpt2)
    early, late = engine.share(work[:HEADS], work), engine.share(work[-HEADS:], work)
    assert 1 > early > late > 0
    assert engine.share(work, work) == 1

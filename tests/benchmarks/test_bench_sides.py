"""Both sides compute the same numbers, and one that does not is found out."""

import dataclasses

import numpy as np
import pytest

from benchmarks.hooked import HookedLoop
from benchmarks.plain_hooks import edits_of
from benchmarks.row import Agreement
from benchmarks.sides import EngineSide
from benchmarks.spliced import is_about_features, splicer
from benchmarks.works import WORKS
from circuitcheck.engine import Source, Splice
from circuitcheck.nodes import parse_node


@pytest.mark.parametrize("key", WORKS)
def test_engine_and_plain_hooks_give_the_same_numbers(setting, key):
    work = WORKS[key](setting)
    loop = HookedLoop(setting, 8, end_only=True)
    ours, theirs = (side.measure(work.interventions) for side in (EngineSide(setting), loop))
    assert ours.shape == (len(work.interventions), len(setting.prompts))
    found = Agreement.of(ours, theirs, loop.clean())
    assert found.holds, found
    assert found.of_metric < 1e-5


@pytest.mark.parametrize("key", WORKS)
def test_interventions_move_the_metric_by_far_more_than_rounding(setting, key):
    loop = HookedLoop(setting, 8, end_only=True)
    moved = np.abs(loop.measure(WORKS[key](setting).interventions) - loop.clean()).max(1)
    assert np.median(moved) > 1e-3


@pytest.mark.parametrize("rows", [1, 4, 6, 16, 64])
@pytest.mark.parametrize("end_only", [False, True])
def test_neither_batches_nor_restricted_logits_change_the_numbers(gpt2, rows, end_only):
    work = WORKS["b"](gpt2)
    plain = HookedLoop(gpt2, 6, end_only=False).measure(work.interventions)
    found = HookedLoop(gpt2, rows, end_only).measure(work.interventions)
    np.testing.assert_allclose(found, plain, atol=1e-5)


def test_activations_that_are_there_already_give_the_same_numbers(gpt2):
    work = WORKS["b"](gpt2).interventions
    loop = HookedLoop(gpt2, 8, end_only=True)
    np.testing.assert_array_equal(loop.prepared(work).measure(work[:5]), loop.measure(work[:5]))


def test_copies_of_the_clean_prompts_are_all_the_same(gpt2):
    loop = HookedLoop(gpt2, 12, end_only=True)
    np.testing.assert_allclose(loop.clean(copies=3).reshape(3, -1), np.tile(loop.clean(), (3, 1)), atol=1e-6)


def test_a_side_that_intervenes_one_token_off_disagrees(gpt2):
    work, off = WORKS["b"](gpt2), WORKS["a"](gpt2)
    loop = HookedLoop(gpt2, 8, end_only=True)
    ours, theirs = EngineSide(gpt2).measure(work.interventions), loop.measure(off.interventions)
    assert not Agreement.of(ours, theirs, loop.clean()).holds


def test_a_side_that_leaves_one_intervention_out_disagrees(gpt2):
    loop, work = HookedLoop(gpt2, 8, end_only=True), WORKS["d-mid"](gpt2)
    theirs = loop.measure(work.interventions)
    ours = theirs.copy()
    ours[3] = loop.clean()
    assert not Agreement.of(ours, theirs, loop.clean()).holds


def test_sides_whose_interventions_do_nothing_do_not_agree():
    clean = np.ones(4)
    nothing = np.ones((2, 4))
    assert not Agreement.of(nothing, nothing, clean).holds


@pytest.mark.parametrize("kind", ["zero", "mean", "resample", "clean"])
def test_plain_hooks_refuse_what_does_not_come_from_the_corrupt_side(gpt2, kind):
    (first, *_) = WORKS["a"](gpt2).interventions
    with pytest.raises(ValueError, match="no plain hook"):
        edits_of(dataclasses.replace(first, source=Source(kind)), gpt2)


def test_plain_hooks_refuse_an_intervention_that_no_work_asks_for(gpt2):
    with pytest.raises(ValueError, match="no plain hook"):
        edits_of(Splice((parse_node("L1.random/error@END"),)), gpt2)


def test_only_works_on_features_can_be_spliced(gpt2):
    spliced = {key for key in WORKS if all(map(is_about_features, WORKS[key](gpt2).interventions))}
    assert spliced == {"d-end", "d-mid"}


@pytest.mark.parametrize("key", ["d-end", "d-mid"])
def test_saelens_gives_the_same_numbers(setting, key):
    pytest.importorskip("sae_lens")
    work = WORKS[key](setting)
    loop = HookedLoop(setting, 8, end_only=True, writer=splicer())
    ours = EngineSide(setting).measure(work.interventions)
    assert Agreement.of(ours, loop.measure(work.interventions), loop.clean()).holds

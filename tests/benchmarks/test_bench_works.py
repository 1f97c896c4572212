"""What is asked: how many interventions, where, and on which prompts."""

import numpy as np
import pytest

from benchmarks.dictionaries import active_features
from benchmarks.models import build_model
from benchmarks.prompts import middle_position, random_prompts
from benchmarks.works import WORKS, works_called
from circuitcheck.nodes import NodeKind

HEADS, LAYERS = 4, 4


def nodes(work):
    return [node for one in work.interventions for node in one.nodes]


@pytest.mark.parametrize(("key", "places"), [("a", (15,)), ("b", (10,)), ("c", tuple(range(1, 16)))])
def test_every_head_of_every_layer_is_patched_at_its_place(gpt2, key, places):
    work = WORKS[key](gpt2)
    assert {(node.layer, node.head) for node in nodes(work)} == {
        (layer, head) for layer in range(LAYERS) for head in range(HEADS)
    }
    assert len(work.interventions) == LAYERS * HEADS
    assert {gpt2.places(node.at) for node in nodes(work)} == {places}
    assert work.layers == tuple(node.layer for node in nodes(work))


@pytest.mark.parametrize(("key", "position"), [("d-end", 15), ("d-mid", 10)])
def test_features_are_spread_over_the_layers_and_fire_where_they_are_patched(gpt2, key, position):
    found = nodes(WORKS[key](gpt2))
    assert len(set(found)) == 12
    assert [node.layer for node in found] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    active = active_features(gpt2.model, gpt2.dictionaries, gpt2.prompts.clean, position)
    assert all(node.index in active[node.layer] for node in found)


def test_some_features_do_not_fire(gpt2):
    active = active_features(gpt2.model, gpt2.dictionaries, gpt2.prompts.clean, 10)
    assert all(0 < len(features) < gpt2.dictionaries[layer].d_sae for layer, features in active.items())


@pytest.mark.parametrize(("key", "kept"), [("e-10", 2), ("e-25", 5), ("e-50", 10)])
def test_circuits_keep_their_share_of_heads_and_mlps_at_random(gpt2, key, kept):
    work = WORKS[key](gpt2)
    assert [len(set(one.nodes)) for one in work.interventions] == [kept] * 5
    assert len(set(work.interventions)) == 5
    assert {one.scope for one in work.interventions} == {"heads+mlps"}
    assert {node.kind for node in nodes(work)} <= {NodeKind.HEAD, NodeKind.MLP}


def test_circuits_keep_mlps_too(gpt2):
    assert {node.kind for node in nodes(WORKS["e-50"](gpt2))} == {NodeKind.HEAD, NodeKind.MLP}


def test_a_letter_stands_for_all_of_its_kind():
    assert works_called("d") == ("d-end", "d-mid")
    assert works_called("e-25") == ("e-25",)
    assert works_called("f") == ("f",)


def test_an_unknown_work_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"no work 'g'; choose among a, b, c, d-end"):
        works_called("g")


def test_an_unknown_model_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"no model 'gpt5' to time; choose one of gpt2-small, pythia-410m"):
        build_model("gpt5", device="cpu", dtype="float32", seed=0)


def test_prompts_share_nothing_but_bos_with_their_corrupt_side():
    prompts = random_prompts(50, 12, 30, seed=3)
    clean, corrupt = np.array(prompts.clean), np.array(prompts.corrupt)
    assert clean.shape == corrupt.shape == (50, 12)
    assert not clean[:, 0].any()
    assert not corrupt[:, 0].any()
    assert (clean[:, 1:] != corrupt[:, 1:]).all()
    assert clean[:, 1:].min() >= 1
    assert corrupt[:, 1:].min() >= 1
    assert max(clean.max(), corrupt.max()) < 30
    assert all(answer not in foils for answer, foils in zip(prompts.answers, prompts.foils, strict=True))


def test_prompts_follow_from_their_seed():
    one, same, other = (random_prompts(5, 8, 50, seed=seed).digest for seed in (0, 0, 1))
    assert one == same != other


def test_prompts_of_one_token_are_refused():
    with pytest.raises(ValueError, match="nothing besides BOS"):
        random_prompts(2, 1, 50, seed=0)


@pytest.mark.parametrize(("length", "position"), [(16, 10), (64, 40), (256, 160)])
def test_the_middle_position_goes_with_the_length(length, position):
    assert middle_position(length) == position

"""Who may stand in for a feature: drawn alike, never the claim's own, and counted honestly."""

import math

import numpy as np
import pytest
from fakes import fake_profile

from circuitcheck.claims.matching import Drawn, draw, place_of
from circuitcheck.nodes import parse_node

PROMPTS = 200
RATES = np.linspace(0.02, 0.98, 60)


def feature(index, place="L1.z", at="END"):
    return parse_node(f"{place}/{index}@{at}")


def drawn(features, rates=RATES, *, mean=None, wanted=40, seed=3, named=None):
    profiles = {place_of(each): fake_profile(place_of(each), rates, mean) for each in features}
    return draw(features, profiles, frozenset(named or features), wanted=wanted, prompts=PROMPTS, seed=seed)


def others(found):
    return {node.index for group in found.groups for node in group.values()}


def test_the_same_seed_draws_the_same_groups_and_another_seed_others():
    features = [feature(10), feature(30), feature(31)]
    assert drawn(features).groups == drawn(features).groups
    assert drawn(features).groups != drawn(features, seed=4).groups


def test_every_group_replaces_every_feature_at_its_own_place_by_different_ones():
    features = [feature(10), feature(11), feature(12, "L2.tc"), feature(5, at="S2")]
    found = drawn(features)
    assert len(found.groups) == 40
    for group in found.groups:
        assert list(group) == features
        assert [place_of(group[one]) for one in features] == [place_of(one) for one in features]
        assert len(set(group.values())) == 4


def test_no_two_groups_hold_the_same_features():
    found = drawn([feature(10), feature(11)], wanted=150)
    assert len({frozenset(group.values()) for group in found.groups}) == len(found.groups) == 150


def test_features_of_the_claim_and_features_that_never_fire_there_are_never_drawn():
    rates = RATES.copy()
    rates[20:30] = 0.0
    features = [feature(18), feature(31)]
    elsewhere = feature(32, at="S1")
    found = drawn(features, rates, wanted=1000, named=[*features, elsewhere])
    assert len(others(found)) == 60 - 10 - 3
    assert not others(found) & {18, 31, 32, *range(20, 30)}


def test_stand_ins_fire_about_as_often_as_the_feature():
    for index in (5, 30, 55):
        found = drawn([feature(index)], wanted=20)
        assert max(abs(other - index) for other in others(found)) <= 20
        assert len(others(found)) == 20
    rare, frequent = (drawn([feature(index), feature(index + 1)], wanted=100) for index in (5, 50))
    assert max(others(rare)) < min(others(frequent))


def test_stand_ins_are_about_as_active_where_all_fire_as_often():
    mean = np.exp(np.linspace(-3, 3, 60))
    found = drawn([feature(8)], np.full(60, 0.5), mean=mean, wanted=20)
    assert others(found) == set(range(21)) - {8}


def test_a_single_feature_takes_its_nearest_once_each_and_says_how_many():
    found = drawn([feature(20)], wanted=30)
    picked = [group[feature(20)].index for group in found.groups]
    assert len(picked) == len(set(picked)) == 30
    assert set(picked[:2]) == {19, 21}
    assert found.pools == {"L1.z/20@END": 30}
    assert found.shortage == ""


def test_where_few_features_fire_every_group_is_taken_and_the_shortage_is_said():
    rates = np.zeros(60)
    rates[:8] = 0.3
    found = drawn([feature(0), feature(1)], rates)
    assert len(found.groups) == math.comb(6, 2)
    assert found.pools == {"L1.z/0@END": 6, "L1.z/1@END": 6}
    assert found.shortage == (
        "15 of 40 controls could be made: at L1.z@END 6 features fire that the claim does not name, "
        "and a control takes 2 of them"
    )


def test_fewer_features_than_a_control_takes_give_no_control():
    rates = np.zeros(60)
    rates[:5] = 0.3
    found = drawn([feature(0), feature(1), feature(2)], rates)
    assert found.groups == ()
    assert found.shortage.startswith("0 of 40 controls could be made")


def test_a_feature_that_never_fires_has_nothing_like_it():
    rates = RATES.copy()
    rates[7] = 0.0
    found = drawn([feature(6), feature(7)], rates)
    assert found == Drawn(
        (),
        {"L1.z/6@END": 0, "L1.z/7@END": 0},
        "L1.z/7@END never fires there on clean prompts, so that nothing matches it",
    )


def test_pools_hold_the_nearest_twenty_and_grow_where_too_few_groups_differ():
    pair = [feature(20), feature(21)]
    assert set(drawn(pair, wanted=40).pools.values()) == {20}
    assert min(drawn(pair, wanted=600).pools.values()) >= 40
    many = [feature(index) for index in range(20, 34)]
    assert set(drawn(many).pools.values()) == {14 + 10}


def test_stand_ins_that_are_far_less_active_are_called_a_loose_match():
    mean = np.full(60, 0.1)
    mean[:2] = 2.0
    found = drawn([feature(0), feature(1)], np.full(60, 0.5), mean=mean)
    assert found.looseness == (
        "matched only loosely: the controls' features are 0.05 times as active as the claim's"
    )
    assert drawn([feature(2), feature(3)], np.full(60, 0.5), mean=np.full(60, 0.1)).looseness == ""


def test_equal_decoder_norms_and_their_rounding_count_for_nothing():
    place = place_of(feature(0))
    profile = fake_profile(place, RATES)
    rounded = fake_profile(place, RATES)
    rounded.norm[:] += 1e-6 * np.random.default_rng(0).standard_normal(60)
    picked = [
        draw([feature(20)], {place: one}, frozenset({feature(20)}), wanted=20, prompts=PROMPTS, seed=0)
        for one in (profile, rounded)
    ]
    assert picked[0] == picked[1]


@pytest.mark.parametrize("norms", [1.0, 50.0])
def test_a_norm_that_differs_is_matched_too(norms):
    place = place_of(feature(0))
    profile = fake_profile(place, np.full(60, 0.5))
    profile.norm[:] = np.where(np.arange(60) < 30, 1.0, 50.0)
    index = 3 if norms == 1.0 else 40
    found = draw(
        [feature(index)], {place: profile}, frozenset({feature(index)}), wanted=20, prompts=PROMPTS, seed=0
    )
    assert {profile.norm[other] for other in others(found)} == {norms}

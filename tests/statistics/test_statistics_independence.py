"""Dependence can be shown; independence only as far as ranks and kernels can see."""

import numpy as np
import pytest
from scipy import stats
from statistics_samples import ALPHA_SIDE, lower_bound

from circuitcheck.statistics import Tails, independence_of, permutations_for
from circuitcheck.statistics.independence import rank_correlation

TEMPLATES = np.arange(64) % 4


def rng(seed=0):
    return np.random.default_rng(seed)


def pairs(seed, n=64):
    return rng(seed).normal(size=(2, n))


def test_linear_and_quadratic_dependence_are_shown():
    first, noise = pairs(1)
    for second in (first + noise, first**2 + 0.3 * noise):
        found = independence_of(first, second, TEMPLATES, rng())
        assert found.p_dependent <= ALPHA_SIDE
        assert found.tails(ALPHA_SIDE) == Tails(1.0, found.p_dependent)


def test_quadratic_dependence_is_never_called_independent_though_ranks_see_nothing():
    first, noise = pairs(2, 512)
    templates = np.arange(512) % 4
    found = independence_of(first, first**2 + 0.1 * noise, templates, rng(), permutations=99)
    assert abs(found.correlation) < 0.1
    assert found.tails(ALPHA_SIDE).support == 1.0


def test_scores_without_dependence_are_called_so_on_enough_prompts_and_with_the_right_words():
    first, second = pairs(3, 256)
    found = independence_of(first, second, np.arange(256) % 4, rng(), permutations=199)
    assert found.tails(ALPHA_SIDE).support <= ALPHA_SIDE
    assert found.wording == (
        "within templates the rank correlation is within 0.3 of zero, and the kernel test saw no other dependence"
    )
    interval = found.interval(ALPHA_SIDE)
    assert -0.3 < interval.low < found.correlation < interval.high < 0.3
    few = independence_of(first[:32], second[:32], TEMPLATES[:32], rng(), permutations=199)
    assert few.tails(ALPHA_SIDE).support > ALPHA_SIDE


def test_what_templates_do_to_both_scores_is_no_dependence():
    runs, apart = 100, 3.0 * TEMPLATES
    within = free = 0
    for seed in range(runs):
        first, second = pairs(seed) + apart
        found = independence_of(first, second, TEMPLATES, rng(seed), permutations=199)
        within += int(found.p_dependent <= 0.05)
        one = np.zeros(64, dtype=int)
        free += int(independence_of(first, second, one, rng(seed), permutations=199).p_dependent <= 0.05)
    assert lower_bound(within, runs) <= 0.05
    assert free > runs / 2


def test_independent_scores_are_rarely_called_dependent():
    runs = 200
    found = [independence_of(*pairs(seed), TEMPLATES, rng(seed), permutations=199) for seed in range(runs)]
    assert lower_bound(sum(each.p_dependent <= 0.05 for each in found), runs) <= 0.05


def test_a_correlation_beyond_the_margin_is_rarely_called_independent():
    runs, n = 300, 128
    shown = 0
    for seed in range(runs):
        first, noise = pairs(seed, n)
        pearson = 2 * np.sin(np.pi * 0.3 / 6)  # of normal scores whose rank correlation is 0.3
        second = pearson * first + np.sqrt(1 - pearson**2) * noise
        found = independence_of(first, second, np.zeros(n), rng(seed), permutations=19)
        shown += int(found.tails(ALPHA_SIDE).support <= ALPHA_SIDE)
    assert lower_bound(shown, runs) <= ALPHA_SIDE


def test_in_one_template_the_correlation_is_spearmans():
    first, second = pairs(4)
    expected = stats.spearmanr(first, second).statistic
    assert rank_correlation(first, second, np.zeros(64, dtype=np.intp)) == pytest.approx(expected)


def test_a_constant_and_too_few_prompts_say_nothing():
    first, second = pairs(5)
    constant = independence_of(np.ones(64), second, TEMPLATES, rng())
    assert constant.reason == (
        "a score that is the same on every prompt of a template is no evidence of independence"
    )
    few = independence_of(first[:8], second[:8], TEMPLATES[:8], rng())
    assert few.reason == "too few prompts: 2 degrees of freedom within templates, and 8 are needed"
    for found in (constant, few):
        assert (found.tails(ALPHA_SIDE), found.interval(ALPHA_SIDE)) == (Tails(1.0, 1.0), None)


def test_mostly_equal_scores_still_have_a_kernel_width():
    unrelated, second = pairs(6)
    rare = np.where(np.arange(64) % 8 == 0, second, 0.0)
    assert independence_of(rare, second, TEMPLATES, rng()).p_dependent <= ALPHA_SIDE
    assert independence_of(rare, unrelated, TEMPLATES, rng()).p_dependent > ALPHA_SIDE


def test_scores_that_are_not_finite_are_an_error():
    first, second = pairs(7)
    first[3] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        independence_of(first, second, TEMPLATES, rng())
    with pytest.raises(ValueError, match="differ"):
        independence_of(first[:5], second, TEMPLATES, rng())


def test_there_are_permutations_enough_for_the_corrected_level():
    assert permutations_for(1, 0.05) == 999
    assert permutations_for(16, 0.05) == 6399

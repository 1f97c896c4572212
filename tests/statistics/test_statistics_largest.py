"""Whether one of several quantities is large enough: how often that is wrong, and what decides it."""

import math

import numpy as np
import pytest

from circuitcheck.statistics import Largest, Sample, judge
from circuitcheck.thresholds import Threshold

LEVEL = 0.025
AT_LEAST = Threshold(0.2, None, ">= 0.2")


def option(value, n=128, *, sd=0.5, seed=0, strata=4):
    numbers = value + sd * np.random.default_rng(seed).standard_normal(n)
    return Sample(numbers, np.ones(n), np.arange(n) % strata)


def test_one_large_quantity_among_small_ones_supports_and_is_the_one_that_is_shown():
    found = judge(Largest.of([option(0.0, seed=1), option(0.5, seed=2)]), AT_LEAST, LEVEL)
    assert found.p_support <= LEVEL < found.p_refute
    assert found.estimate == pytest.approx(option(0.5, seed=2).estimate)


def test_a_large_negative_quantity_is_as_good_and_shown_by_its_size():
    sample = Largest.of([option(-0.5, seed=3), option(0.1, seed=4)])
    found = judge(sample, AT_LEAST, LEVEL)
    assert found.p_support <= LEVEL
    assert found.estimate == pytest.approx(-option(-0.5, seed=3).estimate)
    assert sample.numerator.mean() > 0


def test_only_small_quantities_refute_and_one_that_may_be_large_does_not():
    small = [option(0.0, seed=5), option(0.02, seed=6)]
    assert judge(Largest.of(small), AT_LEAST, LEVEL).p_refute <= LEVEL
    unsure = judge(Largest.of([*small, option(0.2, sd=3.0, seed=7)]), AT_LEAST, LEVEL)
    assert unsure.p_refute > LEVEL
    assert unsure.p_support > LEVEL


def test_support_pays_for_every_option_and_both_signs():
    one = option(0.28, seed=8)
    alone = judge(one, AT_LEAST, LEVEL).p_support
    assert judge(Largest.of([one]), AT_LEAST, LEVEL).p_support == pytest.approx(2 * alone)
    three = Largest.of([one, option(0.0, seed=9), option(0.0, seed=10)])
    assert judge(three, AT_LEAST, LEVEL).p_support == pytest.approx(6 * alone)


@pytest.mark.parametrize("threshold", [0.05, 0.15, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6])
def test_the_interval_holds_the_sizes_that_are_neither_supported_nor_refuted(threshold):
    sample = Largest.of([option(0.1, seed=11), option(-0.35, seed=12)])
    found = judge(sample, Threshold(threshold, None, ""), LEVEL)
    assert found.interval is not None
    assert (threshold < found.interval.low) == (found.p_support <= LEVEL)
    assert (threshold > found.interval.high) == (found.p_refute <= LEVEL)


def test_a_denominator_that_may_be_zero_decides_nothing():
    n = 64
    denominator = np.random.default_rng(0).standard_normal(n)
    options = [Sample(np.full(n, 0.3) + 0.1 * denominator, denominator, np.arange(n) % 4)]
    found = judge(Largest.of(options), AT_LEAST, LEVEL)
    assert found.reason == "the denominator's interval touches 0"
    assert (found.p_support, found.p_refute, found.interval) == (1.0, 1.0, None)


def test_what_is_not_judged_has_an_interval_and_no_p_values():
    found = judge(Largest.of([option(0.3)]), Threshold(None, None, "?"), LEVEL)
    assert not found.judged
    assert found.interval is not None
    assert (found.p_support, found.p_refute) == (1.0, 1.0)


def test_on_some_prompts_another_quantity_may_be_the_largest():
    rows = np.arange(128) < 64
    first, second = option(0.3, sd=0.01), option(0.0, sd=0.01, seed=1)
    second = Sample(np.where(rows, 0.5, 0.0), second.denominator, second.strata)
    sample = Largest.of([first, second])
    assert sample.estimate == pytest.approx(first.estimate)
    assert sample.on(rows).estimate == pytest.approx(0.5)
    assert sample.on(rows).n == 64


def test_a_quantity_without_a_value_is_never_the_largest():
    nothing = Sample(np.ones(32), np.zeros(32), np.arange(32) % 4)
    assert math.isnan(nothing.estimate)
    assert Largest.of([nothing, option(0.1, n=32)]).estimate == pytest.approx(option(0.1, n=32).estimate)


def test_at_the_threshold_either_answer_is_rare():
    """Two quantities whose sizes are the threshold, one of each sign; 600 samples."""
    support = refute = 0
    for seed in range(600):
        sample = Largest.of([option(0.2, 64, seed=[seed, 1]), option(-0.2, 64, seed=[seed, 2])])
        found = judge(sample, AT_LEAST, LEVEL)
        support += found.p_support <= LEVEL
        refute += found.p_refute <= LEVEL
    assert support <= 25  # 0.025 of 600 is 15; 25 has chance 0.01
    assert refute <= 25

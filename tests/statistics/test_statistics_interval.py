"""Intervals: what the verdict's own test does not reject, neither more nor less."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest
from statistics_samples import ALPHA_SIDE, SHAPES, cells, plain, ratio

from circuitcheck.statistics import Interval, Sample, interval, judge, suited_test
from circuitcheck.thresholds import Threshold

NUMBERS = st.floats(-8, 8, allow_nan=False, width=32)
LEVELS = st.sampled_from([0.05, ALPHA_SIDE, 0.005])


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Samples of every kind, from well-behaved draws to whatever Hypothesis makes up."""
    n, strata = draw(st.integers(16, 96)), draw(st.integers(1, 4))
    kind = draw(st.sampled_from(["drawn", "made up", "rate", "changes", "ratio", "made-up ratio"]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    if kind == "drawn":
        shape, _ = SHAPES[draw(st.sampled_from(list(SHAPES)))]
        return plain(shape(rng, n), strata)
    if kind == "rate":
        return plain(rng.random(n) < draw(st.floats(0, 1)), strata, rate=True)
    if kind == "changes":
        n = draw(st.sampled_from([16, 64]))  # the bounded test keeps its draws per n
        return plain(rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.7, 0.2], size=n), strata, limits=(-1.0, 1.0))
    if kind == "ratio":
        return ratio(rng, n, draw(st.floats(-2, 2)), draw(st.floats(0.1, 4)))
    numbers = draw(arrays(np.float64, n, elements=NUMBERS))
    if kind == "made up":
        return plain(numbers, strata)
    return Sample(numbers, draw(arrays(np.float64, n, elements=NUMBERS)) + 6, cells(n, strata))


@settings(max_examples=100, deadline=None)
@given(samples(), LEVELS, st.floats(-3, 3))
def test_a_threshold_lies_inside_the_interval_exactly_if_neither_side_is_shown(sample, level, where):
    found = interval(sample, level)
    assume(found is not None)
    middle, half = (found.low + found.high) / 2, (found.high - found.low) / 2
    threshold = middle + where * half
    assume(min(abs(threshold - found.low), abs(threshold - found.high)) > 1e-6 * half)
    evidence = judge(sample, Threshold(threshold, None, ""), level)
    undecided = evidence.p_support > level and evidence.p_refute > level
    assert (threshold in found) == undecided
    assert (evidence.p_support <= level) == (threshold < found.low)
    assert (evidence.p_refute <= level) == (threshold > found.high)


@settings(max_examples=100, deadline=None)
@given(samples(), st.lists(st.floats(-20, 20), min_size=2, max_size=30))
def test_p_values_that_could_ever_decide_are_monotone_in_the_threshold(sample, thresholds):
    assume(sample.counts.min() >= 2)
    test = suited_test(sample)
    t = test.centre + test.step * np.sort(thresholds)
    ripple = 1e-9 if sample.denominator is None else 1e-3  # within a cell of the ratio test's grid
    assert (np.diff(np.minimum(test.p_above(t), 0.5)) >= -ripple).all()
    assert (np.diff(np.minimum(test.p_below(t), 0.5)) <= ripple).all()


@settings(max_examples=100, deadline=None)
@given(samples(), LEVELS)
def test_an_interval_has_a_width_and_holds_the_estimate(sample, level):
    found = interval(sample, level)
    assume(found is not None)
    assert found.low < found.high
    slack = 1e-9 * (found.high - found.low)
    assert found.low - slack <= sample.estimate <= found.high + slack


@settings(max_examples=60, deadline=None)
@given(samples())
def test_more_confidence_never_narrows_an_interval(sample):
    wide, narrow = interval(sample, 0.005), interval(sample, 0.05)
    assume(wide is not None and narrow is not None)
    slack = 1e-9 * (wide.high - wide.low)
    assert wide.low - slack <= narrow.low
    assert narrow.high <= wide.high + slack


@pytest.mark.parametrize("shape", ["normal", "exponential", "saturated"])
def test_intervals_of_means_cover_the_truth(shape):
    draw, mean = SHAPES[shape]
    rng = np.random.default_rng(4)
    found = [interval(plain(draw(rng, 64)), ALPHA_SIDE) for _ in range(150)]
    covered = sum(mean in each for each in found if each is not None)
    assert binomtest(covered, 150).proportion_ci(0.9).high >= 0.95


@pytest.mark.parametrize("denominator_mean", [2.5, 1.0, 0.3])
def test_intervals_of_ratios_cover_the_truth_or_are_not_given(denominator_mean):
    rng = np.random.default_rng(5)
    found = [interval(ratio(rng, 64, 0.5, denominator_mean), ALPHA_SIDE) for _ in range(150)]
    given_ones = [each for each in found if each is not None]
    covered = sum(0.5 in each for each in given_ones)
    assert len(given_ones) > 75
    assert binomtest(covered, len(given_ones)).proportion_ci(0.9).high >= 0.95


@pytest.mark.parametrize("right", [0, 1, 40, 63, 64])
def test_the_interval_of_a_rate_is_that_of_clopper_and_pearson(right):
    found = interval(plain(np.arange(64) < right, rate=True), ALPHA_SIDE)
    exact = binomtest(right, 64).proportion_ci(0.95, method="exact")
    assert found.low == pytest.approx(exact.low, abs=1e-9)
    assert found.high == pytest.approx(exact.high, abs=1e-9)


@pytest.mark.parametrize("right", [0, 3, 40, 64])
def test_the_bounded_interval_of_two_values_is_about_that_of_clopper_and_pearson(right):
    found = interval(plain(np.arange(64) < right, limits=(0.0, 1.0), method="bounded"), ALPHA_SIDE)
    exact = binomtest(right, 64).proportion_ci(0.95, method="exact")
    assert found.low == pytest.approx(exact.low, abs=0.01)
    assert found.high == pytest.approx(exact.high, abs=0.01)


def test_an_accuracy_kept_is_a_ratio_of_bounded_values():
    rng = np.random.default_rng(6)
    before = (rng.random(128) < 0.9) * 1.0
    after = before * (rng.random(128) < 0.8)
    sample = Sample(after, before, cells(128), limits=(0.0, 1.0), denominator_limits=(0.0, 1.0))
    found = interval(sample, ALPHA_SIDE)
    given_right = binomtest(int(after.sum()), int(before.sum())).proportion_ci(0.95, method="exact")
    assert found.low == pytest.approx(given_right.low, abs=0.03)
    assert found.high == pytest.approx(given_right.high, abs=0.03)


def test_prompts_without_variance_prove_nothing_before_there_are_72():
    assert interval(plain(np.full(71, 0.8), 1), ALPHA_SIDE) is None
    found = interval(plain(np.full(72, 0.8), 1), ALPHA_SIDE)
    assert 0 < found.high - found.low < 1e-4


def test_unanimous_prompts_are_as_strong_as_the_claim_that_95_percent_of_prompts_agree():
    agreed = judge(plain(np.full(100, 0.8), 1), Threshold.parse(">= 0.1"), ALPHA_SIDE)
    assert agreed.p_support == 0.95**100
    assert judge(plain(np.full(100, 0.8), 1), Threshold.parse("<= 0.1"), ALPHA_SIDE).p_refute == 0.95**100


def test_float_noise_is_not_variance():
    rng = np.random.default_rng(7)
    noisy = plain(0.8 * (1 + 1e-7 * rng.normal(size=32)))
    assert interval(noisy, ALPHA_SIDE) is None
    proportional = rng.uniform(1, 3, size=32)
    assert interval(Sample(0.3 * proportional, proportional, cells(32)), ALPHA_SIDE) is None
    difference = plain(1e-6 * rng.normal(size=32), magnitude=5.0)
    assert interval(difference, ALPHA_SIDE) is None
    real = plain(0.8 * (1 + 1e-3 * rng.normal(size=32)))
    assert interval(real, ALPHA_SIDE) is not None


def test_a_threshold_equal_to_a_constant_up_to_rounding_is_not_judged():
    tenths = np.full(480, 0.1) * 8  # 0.8 and a little
    for text in (">= 0.8", "<= 0.8"):
        evidence = judge(plain(tenths), Threshold.parse(text), ALPHA_SIDE)
        assert evidence.p_support == pytest.approx(0.5)
        assert evidence.p_refute == pytest.approx(0.5)


def test_the_interval_of_a_ratio_does_not_depend_on_the_units():
    sample = ratio(np.random.default_rng(8), 64, 0.5, 1.0)
    scaled = Sample(sample.numerator * 1e-4, sample.denominator * 1e3, sample.strata)
    one, other = interval(sample, ALPHA_SIDE), interval(scaled, ALPHA_SIDE)
    assert other.low == pytest.approx(one.low * 1e-7)
    assert other.high == pytest.approx(one.high * 1e-7)


def test_an_interval_can_be_shown_within_the_range_of_its_quantity():
    assert Interval(0.9, 1.1).within(0.0, 1.0) == Interval(0.9, 1.0)
    assert Interval(0.2, 0.3).within(-math.inf, 1.0) == Interval(0.2, 0.3)

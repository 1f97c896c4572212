"""Error rates exactly at the threshold, where either answer is wrong: at most 2.5% on each side.

Each test fails only if the exact binomial 95% lower bound of the simulated rate is above the level. That this
catches a real fault is shown beside it, by a naive test on the same data.
"""

import numpy as np
import pytest
from scipy import stats
from statistics_samples import ALPHA_SIDE, SHAPES, STRATA, cells, lower_bound, plain, ratio

from circuitcheck.statistics import Sample, suited_test
from circuitcheck.statistics.quantity import RatioTest

N = 128
RUNS = 1000


def errors(draw, threshold, runs=RUNS, seed=1):
    """How often "above" and "below" are shown of the true value."""
    rng = np.random.default_rng(seed)
    t = np.array([threshold])
    above = below = 0
    for _ in range(runs):
        test = suited_test(draw(rng))
        above += int(test.p_above(t)[0] <= ALPHA_SIDE)
        below += int(test.p_below(t)[0] <= ALPHA_SIDE)
    return above, below


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mean_at_its_threshold_is_rarely_judged(shape):
    draw, mean = SHAPES[shape]
    offsets = np.linspace(-0.7, 0.7, STRATA)[cells(N)]
    for count in errors(lambda rng: plain(draw(rng, N) + offsets), mean):
        assert lower_bound(count, RUNS) <= ALPHA_SIDE


@pytest.mark.parametrize("shape", ["exponential", "saturated", "10% rare bad prompts", "3% rare bad prompts"])
def test_the_plain_t_test_errs_too_often_on_the_same_shapes(shape):
    draw, mean = SHAPES[shape]
    rng = np.random.default_rng(1)
    values = draw(rng, 5 * RUNS * N).reshape(5 * RUNS, N)
    with np.errstate(divide="ignore", invalid="ignore"):
        student = (values.mean(axis=1) - mean) / (values.std(axis=1, ddof=1) / np.sqrt(N))
    worse = max(
        np.sum(student > stats.t.isf(ALPHA_SIDE, N - 1)), np.sum(student < stats.t.ppf(ALPHA_SIDE, N - 1))
    )
    assert lower_bound(int(worse), 5 * RUNS) > ALPHA_SIDE


@pytest.mark.parametrize("rate", [0.9, 0.95, 0.99])
def test_a_rate_at_its_threshold_is_rarely_judged_though_its_strata_differ(rate):
    rates = rate + (1 - rate) * np.linspace(-0.9, 0.9, STRATA)[cells(N)]
    for count in errors(lambda rng: plain(rng.random(N) < rates, rate=True), rate):
        assert lower_bound(count, RUNS) <= ALPHA_SIDE


def test_a_tied_bounded_mean_at_its_threshold_is_rarely_judged():
    def accuracy_drop(rng):
        return plain(rng.choice([-1.0, 0.0, 1.0], p=[0.02, 0.88, 0.1], size=64), limits=(-1.0, 1.0))

    for count in errors(accuracy_drop, 0.08, runs=150):
        assert lower_bound(count, 150) <= ALPHA_SIDE


def test_the_bounded_method_withstands_rare_disasters_that_the_mean_does_not_see():
    def disasters(rng, method):
        values = np.where(rng.random(64) < 0.03, -1.0, 0.8 + 0.05 * rng.uniform(-1, 1, 64))
        return plain(values, limits=(-1.0, 1.0), method=method)

    truth = 0.97 * 0.8 - 0.03
    for count in errors(lambda rng: disasters(rng, "bounded"), truth, runs=150):
        assert lower_bound(count, 150) <= ALPHA_SIDE
    shown, _ = errors(lambda rng: disasters(rng, "auto"), truth, runs=150)
    assert lower_bound(shown, 150) > ALPHA_SIDE


@pytest.mark.parametrize("denominator_mean", [1.0, 0.2, 0.0, -1.0])
def test_a_ratio_at_its_threshold_is_rarely_judged_however_weak_its_denominator(denominator_mean):
    runs = 600
    for count in errors(lambda rng: ratio(rng, N, 0.5, denominator_mean), 0.5, runs=runs):
        assert lower_bound(count, runs) <= ALPHA_SIDE


def test_without_the_gate_a_negative_denominator_turns_the_verdict_around():
    rng = np.random.default_rng(2)
    half = np.array([0.5])
    flipped = gated = 0
    for _ in range(50):
        test = suited_test(ratio(rng, N, 0.2, -1.0))
        assert isinstance(test, RatioTest)
        flipped += int(test.mean.p_above(half)[0] <= ALPHA_SIDE)
        gated += int(test.p_above(half)[0] <= ALPHA_SIDE)
    assert (flipped, gated) == (50, 0)


def test_strata_that_differ_do_not_hide_what_holds_within_them():
    rng = np.random.default_rng(3)
    apart = np.linspace(-5, 5, STRATA)[cells(N)]
    values = 0.5 + rng.normal(size=N)
    alike = suited_test(plain(values)).p_above(np.zeros(1))[0]
    stratified = suited_test(plain(values + apart - apart.mean())).p_above(np.zeros(1))[0]
    pooled = suited_test(plain(values + apart - apart.mean(), strata=1)).p_above(np.zeros(1))[0]
    assert stratified == pytest.approx(alike)
    assert pooled > ALPHA_SIDE > stratified


def test_strata_of_unequal_counts_keep_the_promise_of_both_sides_together():
    strata = np.repeat(np.arange(4), [12, 20, 40, 56])
    both = sum(errors(lambda rng: Sample(rng.exponential(size=N), None, strata), 1.0))
    assert lower_bound(both, RUNS) <= 2 * ALPHA_SIDE


def test_rates_in_strata_of_unequal_counts_keep_the_level():
    strata = np.repeat(np.arange(4), [16, 20, 40, 52])
    rates = np.array([0.99, 0.95, 0.9, 0.76])

    def draw(rng):
        return Sample((rng.random(128) < rates[strata]) * 1.0, None, strata, rate=True)

    for count in errors(draw, rates.mean()):
        assert lower_bound(count, RUNS) <= ALPHA_SIDE

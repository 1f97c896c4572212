"""How many prompts would settle it: arithmetic, and simulation."""

import math

import numpy as np
import pytest
from statistics_samples import ALPHA_SIDE, plain, ratio

from circuitcheck.statistics import (
    Forecast,
    Sample,
    judge,
    minimum_detectable_effect,
    needed_prompts,
    one_digit,
)
from circuitcheck.thresholds import Threshold

REACH = 1.959964 + 0.841621
"""z(1 - 0.025) + z(0.8)"""


def alternating(n, mean, spread):
    """n values, half at mean - spread and half at mean + spread, in one stratum."""
    return plain(mean + spread * np.tile([-1.0, 1.0], n // 2), 1)


def test_needed_prompts_follow_from_the_distance_in_standard_deviations():
    sample = alternating(100, 0.1, 1.0)
    deviation = math.sqrt(100 / 99)
    forecast = needed_prompts(sample, Threshold.parse(">= 0"), ALPHA_SIDE)
    assert forecast.needed == pytest.approx((REACH / (0.1 / deviation)) ** 2, rel=1e-5)
    assert forecast.at_least == pytest.approx(
        (REACH / (0.1 / deviation + 1.28 / math.sqrt(100))) ** 2, rel=1e-5
    )
    assert str(forecast) == "about 800, at least 200"


def test_a_forecast_is_in_single_digits_and_without_an_upper_end():
    assert [one_digit(count) for count in (0.2, 7.4, 96, 489, 1227)] == ["1", "7", "100", "500", "1000"]
    assert str(Forecast(1227, 489)) == "about 1000, at least 500"
    assert str(Forecast(510, 489)) == "about 500"
    assert str(Forecast(math.inf, 489)) == "at least 500"


def test_a_value_at_its_threshold_may_never_be_settled():
    assert needed_prompts(alternating(100, 0.1, 1.0), Threshold.parse(">= 0.1"), ALPHA_SIDE).is_hopeless(512)
    assert not Forecast(1227, 489).is_hopeless(128)


def test_the_nearest_bound_of_a_range_decides():
    sample = alternating(100, 0.1, 1.0)
    near = needed_prompts(sample, Threshold.parse(">= 0"), ALPHA_SIDE)
    assert needed_prompts(sample, Threshold.parse("between 0 and 9"), ALPHA_SIDE) == near


def test_a_sample_that_was_not_enough_is_never_called_nearly_enough():
    sample = alternating(100, 5.0, 1.0)
    assert needed_prompts(sample, Threshold.parse(">= 0"), ALPHA_SIDE) == Forecast(200.0, 101.0)


@pytest.mark.parametrize(("rate", "needed"), [(0.90, 36), (0.95, 72), (0.99, 368)])
def test_rates_without_a_miss_need_the_prompts_that_the_binomial_says(rate, needed):
    forecast = needed_prompts(plain(np.ones(16), rate=True), Threshold(rate, None, ""), ALPHA_SIDE)
    assert forecast.needed == needed
    assert (
        judge(plain(np.ones(needed), 1, rate=True), Threshold(rate, None, ""), ALPHA_SIDE).p_support
        <= ALPHA_SIDE
    )
    one_fewer = judge(plain(np.ones(needed - 1), 1, rate=True), Threshold(rate, None, ""), ALPHA_SIDE)
    assert one_fewer.p_support > ALPHA_SIDE


def test_constant_values_need_72_prompts():
    assert needed_prompts(plain(np.full(32, 0.8)), Threshold.parse(">= 0.7"), ALPHA_SIDE).needed == 72


def test_a_rate_with_misses_needs_what_its_power_says():
    sample = plain(np.arange(100) < 98, 1, rate=True)
    spread = 1.959964 * math.sqrt(0.95 * 0.05) + 0.841621 * math.sqrt(0.98 * 0.02)
    forecast = needed_prompts(sample, Threshold.parse(">= 0.95"), ALPHA_SIDE)
    assert forecast.needed == pytest.approx((spread / 0.03) ** 2, rel=1e-5)


def test_a_weak_denominator_asks_for_prompts_too():
    weak = ratio(np.random.default_rng(0), 64, 5.0, 0.1)
    forecast = needed_prompts(weak, Threshold.parse(">= 0"), ALPHA_SIDE)
    strength = weak.denominator_mean / np.std(weak.denominator)
    assert forecast.needed == pytest.approx((REACH / strength) ** 2, rel=0.2)


@pytest.mark.parametrize("text", [">= 0.3", "?"])
def test_nothing_is_forecast_where_there_is_nothing_to_go_by(text):
    backwards = ratio(np.random.default_rng(0), 64, 0.5, -1.0)
    assert needed_prompts(backwards, Threshold.parse(text), ALPHA_SIDE) is None
    assert minimum_detectable_effect(backwards, 0.3, ALPHA_SIDE) is None
    assert minimum_detectable_effect(plain(np.ones(32)), 0.3, ALPHA_SIDE) is None


def test_the_detectable_effect_is_in_the_unit_of_the_ratio():
    sample = Sample(np.tile([-1.0, 1.0], 50), np.full(100, 4.0), np.zeros(100, dtype=int))
    deviation = math.sqrt(100 / 99)
    found = minimum_detectable_effect(sample, 0.0, ALPHA_SIDE)
    assert found == pytest.approx(REACH * deviation / math.sqrt(100) / 4.0, rel=1e-5)
    assert minimum_detectable_effect(sample, 0.0, ALPHA_SIDE, n=400) == pytest.approx(found / 2)


def test_a_value_at_the_detectable_distance_is_supported_about_four_times_in_five():
    rng = np.random.default_rng(1)
    distance = REACH / math.sqrt(96)
    shown = sum(
        judge(plain(distance + rng.normal(size=96)), Threshold.parse(">= 0"), ALPHA_SIDE).p_support
        <= ALPHA_SIDE
        for _ in range(200)
    )
    assert 0.65 < shown / 200 < 0.9

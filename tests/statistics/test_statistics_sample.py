"""What a sample accepts, and what it says of itself."""

import math

import numpy as np
import pytest
from statistics_samples import cells, plain

from circuitcheck.statistics import Sample, suited_test
from circuitcheck.statistics.bounded import BoundedTest
from circuitcheck.statistics.decision import interval
from circuitcheck.statistics.mean import MeanTest
from circuitcheck.statistics.quantity import RatioTest
from circuitcheck.statistics.rates import RateTest


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_prompt_without_a_number_is_an_error_and_not_a_dropped_prompt(bad):
    values = np.ones(16)
    values[5] = bad
    with pytest.raises(ValueError, match=f"numerator of prompt 5 is {bad}; a prompt without a number"):
        plain(values)
    with pytest.raises(ValueError, match=f"denominator of prompt 5 is {bad}"):
        Sample(np.ones(16), values, cells(16))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": True}, "a rate is made of zeros and ones"),
        ({"method": "bounded"}, "the bounded method needs the limits"),
        ({"limits": (0.0, 0.5)}, "the numerator ranges from 0.25 to 0.75, outside its limits 0.0 and 0.5"),
        ({"limits": (1.0, 1.0)}, "the lower must be below the upper"),
    ],
)
def test_a_sample_that_contradicts_itself_is_an_error(options, message):
    with pytest.raises(ValueError, match=message):
        plain(np.array([0.25, 0.75] * 8), **options)


def test_shapes_that_differ_and_empty_samples_are_errors():
    with pytest.raises(ValueError, match=r"the strata has shape \(3,\), the numerator \(4,\)"):
        Sample(np.ones(4), None, cells(3))
    with pytest.raises(ValueError, match="at least one prompt"):
        plain(np.array([]))


def test_strata_have_equal_weight_whatever_their_counts():
    values = np.array([1.0, 1.0, 1.0, 5.0])
    strata = np.array([0, 0, 0, 7])
    assert Sample(values, None, strata).estimate == (1.0 + 5.0) / 2
    assert Sample(values, np.array([1.0, 2.0, 3.0, 4.0]), strata).estimate == (1.0 + 5.0) / (2.0 + 4.0)


def test_a_ratio_is_a_ratio_of_means_and_not_a_mean_of_ratios():
    sample = Sample(np.array([1.0, 4.0]), np.array([1.0, 2.0]), np.zeros(2, dtype=int))
    assert sample.estimate == 2.5 / 1.5


def test_the_estimate_over_a_zero_denominator_is_not_a_number():
    assert math.isnan(Sample(np.ones(2), np.array([-1.0, 1.0]), np.zeros(2, dtype=int)).estimate)


def test_the_test_follows_from_the_kind_of_values():
    rng = np.random.default_rng(0)
    changes = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.7, 0.2], size=64)
    spread = rng.uniform(size=64)
    assert isinstance(suited_test(plain(changes == 1, rate=True)), RateTest)
    assert isinstance(suited_test(plain(changes, limits=(-1.0, 1.0))), BoundedTest)
    assert isinstance(suited_test(plain(changes)), MeanTest)
    assert isinstance(suited_test(plain(spread, limits=(0.0, 1.0))), MeanTest)
    assert isinstance(suited_test(plain(spread, limits=(0.0, 1.0), method="bounded")), BoundedTest)
    assert isinstance(suited_test(Sample(changes, spread, cells(64))), RatioTest)


def test_saturated_values_count_as_tied_though_their_last_digits_differ():
    rng = np.random.default_rng(0)
    saturated = 1 - 1e-7 * rng.uniform(size=64)
    saturated[:20] = rng.uniform(size=20)
    assert plain(saturated, limits=(0.0, 1.0)).is_tied
    assert not plain(saturated).is_tied
    assert not plain(rng.uniform(size=64), limits=(0.0, 1.0)).is_tied


def test_values_that_only_differ_between_strata_are_tied_and_keep_a_width():
    strata = np.repeat([0, 1], 60)
    values = np.where(strata == 0, 0.0, 1.0) + np.where(np.arange(120) == 7, 0.01, 0.0)
    sample = Sample(values, None, strata, (0.0, 1.0))
    assert sample.is_tied
    found = interval(sample, 0.025)
    assert found is not None
    assert found.high - found.low > 0.02

"""AUROC: its value, and its variance when both sides come from the same prompts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from statistics_samples import ALPHA_SIDE, cells, lower_bound

from circuitcheck.statistics import auroc, auroc_sample, interval, suited_test

FEW_VALUES = st.integers(0, 4).map(float)


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(*[arrays(np.float64, n, elements=FEW_VALUES)] * 2)))
def test_auroc_is_the_share_of_pairs_in_the_right_order_with_ties_counting_half(sides):
    clean, corrupt = sides
    order = np.sign(clean[:, None] - corrupt[None, :]) / 2 + 0.5
    area, pseudo_values = auroc(clean, corrupt)
    assert area == pytest.approx(order.mean())
    assert pseudo_values == pytest.approx(order.mean(axis=1) + order.mean(axis=0) - order.mean())
    assert pseudo_values.mean() == pytest.approx(area)


def test_the_variance_of_the_pseudo_values_is_that_of_the_area_when_prompts_are_paired():
    rng = np.random.default_rng(0)
    areas, variances = [], []
    for _ in range(1500):
        prompt = rng.normal(size=64)
        area, pseudo_values = auroc(1 + prompt + rng.normal(size=64), prompt + rng.normal(size=64))
        areas.append(area)
        variances.append(pseudo_values.var(ddof=1) / 64)
    assert np.mean(variances) == pytest.approx(np.var(areas), rel=0.1)


def test_an_area_at_its_threshold_is_rarely_judged():
    rng = np.random.default_rng(1)
    truth = np.array([norm.cdf(1.2 / np.sqrt(2))])
    above = below = 0
    for _ in range(800):
        test = suited_test(auroc_sample(1.2 + rng.normal(size=128), rng.normal(size=128), cells(128)))
        above += int(test.p_above(truth)[0] <= ALPHA_SIDE)
        below += int(test.p_below(truth)[0] <= ALPHA_SIDE)
    assert max(lower_bound(above, 800), lower_bound(below, 800)) <= ALPHA_SIDE


def test_a_separation_without_exception_still_leaves_room_for_one():
    found = interval(auroc_sample(np.arange(64) + 100.0, np.arange(64.0), cells(64)), ALPHA_SIDE)
    assert 0.85 < found.within(0.0, 1.0).low < 0.95
    assert found.within(0.0, 1.0).high == 1.0


def test_sides_that_cannot_be_ranked_are_errors():
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\)"):
        auroc(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="not finite"):
        auroc(np.array([1.0, np.nan]), np.ones(2))

"""Two scores of the same prompts as samples, and samples that are judged by the means of their templates."""

import numpy as np
import pytest

from circuitcheck.statistics import (
    Dependence,
    Largest,
    Sample,
    Signs,
    Wins,
    equivalence,
    judge,
    like_templates,
    needed_prompts,
    over_templates,
)
from circuitcheck.statistics.independence import independence_of
from circuitcheck.thresholds import Threshold

LEVEL = 0.025
EVEN = Threshold(0.4, 0.6, "about 0.5 +- 0.1")
SMALL = Threshold(-0.3, 0.3, "<= 0.3 either way")
UNJUDGED = Threshold(None, None, "?")


def scores(n, *, shift=0.0, seed=0):
    generator = np.random.default_rng(seed)
    return generator.standard_normal(n) + shift, generator.standard_normal(n)


def strata(n):
    return np.arange(n) % 4


def test_wins_are_judged_by_the_sign_test():
    first, second = scores(256)
    sample = Wins.of(first, second, strata(256))
    found = judge(sample, EVEN, LEVEL)
    assert tuple(found.tails) == pytest.approx(tuple(equivalence(Signs.of(first, second), 0.1)))
    assert found.estimate == Signs.of(first, second).share == pytest.approx(sample.numerator.mean())
    assert found.p_support <= LEVEL


def test_a_score_that_nearly_always_wins_is_refuted():
    found = judge(Wins.of(*scores(64, shift=2.0), strata(64)), EVEN, LEVEL)
    assert found.p_refute <= LEVEL
    assert found.interval.low > 0.6


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.4, 0.8])
def test_the_interval_of_wins_agrees_with_the_verdict(shift):
    found = judge(Wins.of(*scores(200, shift=shift, seed=3), strata(200)), EVEN, LEVEL)
    inside = found.interval.low > 0.4 and found.interval.high < 0.6
    outside = found.interval.low > 0.6 or found.interval.high < 0.4
    assert (found.p_support <= LEVEL) == inside
    assert (found.p_refute <= LEVEL) == outside


def test_scores_that_always_tie_are_equal_as_soon_as_there_are_enough():
    first, _ = scores(64)
    assert judge(Wins.of(first, first * (1 + 1e-9), strata(64)), EVEN, LEVEL).p_support <= LEVEL
    few = judge(Wins.of(first[:15], first[:15], strata(15)), EVEN, LEVEL)
    assert few.reason == "too few prompts: 15, and nothing is judged below 16"
    assert (few.p_support, few.p_refute, few.interval) == (1.0, 1.0, None)


def test_dependence_is_judged_as_independence_is():
    first, second = scores(256)
    cells = strata(256)
    sample = Dependence(second, None, cells, other=first, seed=5)
    expected = independence_of(first, second, cells, np.random.default_rng(5))
    found = judge(sample, SMALL, LEVEL)
    assert found.tails == expected.tails(LEVEL)
    assert found.estimate == expected.correlation == sample.estimate
    assert found.interval == expected.interval(LEVEL)
    assert found.p_support <= LEVEL


def test_a_score_that_follows_the_other_is_refuted_and_says_so_every_time():
    first, second = scores(128)
    sample = Dependence(first + second, None, strata(128), other=first, seed=1)
    found = judge(sample, SMALL, LEVEL)
    assert found.p_refute == 0.001
    assert judge(sample, SMALL, LEVEL) == found


def test_a_wider_margin_is_easier_to_stay_within():
    first, second = scores(128)
    sample = Dependence(second + 0.1 * first, None, strata(128), other=first)
    p_values = [judge(sample, Threshold(-m, m, ""), LEVEL).p_support for m in (0.3, 0.5, 0.7)]
    assert p_values == sorted(p_values, reverse=True)
    assert p_values[0] > p_values[-1]


def test_a_constant_score_is_no_evidence_of_independence():
    first, _ = scores(64)
    found = judge(Dependence(np.zeros(64), None, strata(64), other=first), SMALL, LEVEL)
    assert found.p_support == 1.0
    assert "is no evidence of independence" in found.reason


def test_no_number_of_prompts_is_forecast_for_a_correlation():
    first, second = scores(64)
    assert needed_prompts(Dependence(second, None, strata(64), other=first), SMALL, LEVEL) is None
    assert needed_prompts(Wins.of(first, second, strata(64)), EVEN, LEVEL) is not None


def test_some_of_the_prompts_are_some_of_both_scores():
    first, second = scores(128)
    rows = np.arange(128) % 2 == 0
    some = Dependence(second, None, strata(128), other=first, seed=9).on(rows)
    assert judge(some, UNJUDGED, LEVEL).estimate == pytest.approx(
        Dependence(second[rows], None, strata(128)[rows], other=first[rows]).estimate
    )
    assert Wins.of(first, second, strata(128)).on(rows).signs == Signs.of(first[rows], second[rows])


def test_a_verdict_about_templates_is_that_of_their_means():
    numbers, denominator = scores(120, shift=3.0)
    templates = np.arange(120) % 10
    sample = Sample(numbers, denominator + 5, np.arange(120) % 20)
    at_least = Threshold(0.5, None, ">= 0.5")
    like_these = like_templates(sample, templates)
    assert judge(like_these, at_least, LEVEL) == judge(over_templates(sample, templates), at_least, LEVEL)
    assert judge(like_these, at_least, LEVEL).n == 10
    assert like_these.n == 120
    rows = np.arange(120) < 60
    assert judge(like_these.on(rows), at_least, LEVEL) == judge(
        over_templates(sample.on(rows), templates[rows]), at_least, LEVEL
    )


def test_five_templates_say_nothing_of_others():
    sample = like_templates(Sample(np.full(60, 0.9), None, np.arange(60) % 5), np.arange(60) % 5)
    found = judge(sample, Threshold(0.1, None, ""), LEVEL)
    assert found.reason.startswith("too few templates: 5")
    assert found.p_support == 1.0


def test_the_largest_of_several_can_be_about_templates_too():
    numbers, _ = scores(120, shift=1.0)
    sample = Largest.of([Sample(numbers, None, np.arange(120) % 10)])
    found = judge(like_templates(sample, np.arange(120) % 10), Threshold(0.2, None, ""), LEVEL)
    assert found.n == 10
    assert found.p_support <= LEVEL

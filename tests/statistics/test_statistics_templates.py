"""Templates like these: means of templates in the place of prompts, and few of them say little."""

import math

import numpy as np
import pytest
from scipy import stats
from statistics_samples import ALPHA_SIDE, lower_bound

from circuitcheck.statistics import Sample, Tails, judge, needed_prompts, over_templates, suited_test
from circuitcheck.statistics.mean import MeanTest
from circuitcheck.thresholds import Threshold

ABOVE_ZERO = Threshold.parse(">= 0")


def written(rng, templates, per_template=16, between=1.0, centre=0.0):
    """Prompts of templates whose means differ, two orders each."""
    labels = np.repeat(np.arange(templates), per_template)
    strata = 2 * labels + np.arange(len(labels)) % 2
    values = centre + between * rng.normal(size=templates)[labels] + rng.normal(size=len(labels))
    return Sample(values, None, strata), labels


def of_means(means, **options):
    means = np.asarray(means, dtype=np.float64)
    return over_templates(Sample(means, None, np.arange(len(means)), **options), np.arange(len(means)))


def test_a_template_counts_once_and_its_orders_weigh_the_same():
    values = np.array([1.0, 3.0, 10.0, 5.0, 6.0])
    strata = np.array([0, 0, 1, 2, 3])  # the first template has two prompts of one order and one of the other
    sample = Sample(values, 2 * values, strata)
    found = over_templates(sample, np.array(["a", "a", "a", "b", "b"]))
    assert found.numerator.tolist() == [(2 + 10) / 2, 5.5]
    assert found.denominator.tolist() == [12.0, 11.0]
    assert (found.n, found.unit, found.counts.tolist()) == (2, "templates", [2])


def test_without_skewness_the_test_is_students_on_the_means():
    means = np.array([-0.7, -0.2, 0.0, 0.2, 0.7]) + 0.3
    sample = over_templates(Sample(means, None, np.arange(5)), np.arange(5))
    expected = stats.ttest_1samp(means, 0, alternative="greater").pvalue
    assert suited_test(sample).p_above(np.zeros(1))[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("means", "reason"),
    [
        (np.arange(5.0), "too few templates: 5, and nothing is said of templates like these below 6"),
        (
            np.ones(8),
            "templates all show the same value; it takes 72 templates, not 8, to rule out rare exceptions",
        ),
    ],
)
def test_few_templates_and_equal_ones_decide_nothing(means, reason):
    found = judge(of_means(means), ABOVE_ZERO, ALPHA_SIDE)
    assert (found.reason, found.tails, found.interval) == (reason, Tails(1.0, 1.0), None)


def test_six_templates_suffice_though_sixteen_prompts_would_not_be_there():
    found = judge(of_means([0.9, 1.0, 1.1, 1.2, 0.8, 1.05]), ABOVE_ZERO, ALPHA_SIDE)
    assert found.reason is None
    assert found.n == 6
    assert found.p_support < ALPHA_SIDE


def test_perfect_accuracy_in_every_template_is_not_proof_for_others():
    labels = np.repeat(np.arange(6), 20)
    perfect = over_templates(Sample(np.ones(120), None, labels, rate=True), labels)
    assert isinstance(suited_test(perfect), MeanTest)
    assert judge(perfect, Threshold.parse(">= 0.9"), ALPHA_SIDE).tails == Tails(1.0, 1.0)


def test_a_stratum_of_two_templates_is_an_error():
    sample = Sample(np.arange(4.0), None, np.array([0, 0, 1, 1]))
    with pytest.raises(ValueError, match="prompts of more than one template"):
        over_templates(sample, np.array([0, 1, 1, 1]))
    with pytest.raises(ValueError, match=r"shape \(3,\), the numerator \(4,\)"):
        over_templates(sample, np.arange(3))


def test_new_templates_are_rarely_misjudged_where_prompts_of_these_would_be():
    rng, runs = np.random.default_rng(1), 1000
    wrong = {"templates": 0, "prompts": 0}
    for _ in range(runs):
        sample, labels = written(rng, 8, between=0.5)
        for asked in (over_templates(sample, labels), sample):
            tails = judge(asked, ABOVE_ZERO, ALPHA_SIDE).tails
            wrong[asked.unit] += int(tails.support <= ALPHA_SIDE)
    assert lower_bound(wrong["templates"], runs) <= ALPHA_SIDE
    assert lower_bound(wrong["prompts"], runs) > 4 * ALPHA_SIDE


def test_a_forecast_counts_templates_by_students_quantile():
    means = 0.35 + np.array([-0.7, -0.3, -0.1, 0.1, 0.3, 0.7])
    forecast = needed_prompts(of_means(means), ABOVE_ZERO, ALPHA_SIDE)
    distance = 0.35 / means.std(ddof=1)

    def enough(number):
        return stats.t.ppf(1 - ALPHA_SIDE, number - 1) + stats.norm.ppf(0.8) <= math.sqrt(number) * distance

    assert enough(forecast.needed)
    assert not enough(forecast.needed - 1)
    assert forecast.unit == "templates"
    assert forecast.advice.endswith("templates would probably settle it; more prompts will not help")


def test_more_prompts_of_the_same_templates_forecast_the_same_number_of_templates():
    def forecast(per_template):
        labels = np.repeat(np.arange(7), per_template)
        values = np.array([-1.0, 0.2, 0.4, 0.1, 0.9, 0.6, 0.3])[labels]
        return needed_prompts(over_templates(Sample(values, None, labels), labels), ABOVE_ZERO, ALPHA_SIDE)

    assert forecast(4) == forecast(400)


def test_a_ratio_is_one_of_template_means():
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(12), 10)
    denominator = 2 + 0.3 * rng.normal(size=120)
    share = (0.5 + 0.1 * rng.normal(size=12))[labels]
    sample = over_templates(Sample(share * denominator, denominator, labels), labels)
    found = judge(sample, Threshold.parse(">= 0.3"), ALPHA_SIDE)
    assert found.p_support < ALPHA_SIDE
    assert 0.3 < found.interval.low < 0.5 < found.interval.high
    weak = over_templates(Sample(share, rng.normal(size=120), labels), labels)
    assert judge(weak, Threshold.parse(">= 0.3"), ALPHA_SIDE).reason == "the denominator's interval touches 0"

"""From evidence to outcomes: what is shown, what is refuted, and what cannot be decided."""

import numpy as np
import pytest
from statistics_samples import ALPHA_SIDE, cells, plain, ratio

from circuitcheck.statistics import Evidence, Sample, Tails, combine, holm, interval, judge, outcomes
from circuitcheck.thresholds import Threshold

UNSETTLED = Tails(0.4, 0.6)


def evidence(support, refute, *, judged=True):
    return Evidence(support, refute, 0.5, None, 128, None, None, judged)


def outcome(sample, text):
    return outcomes([judge(sample, Threshold.parse(text), ALPHA_SIDE).tails], ALPHA_SIDE)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (">= 0.5", "supported"),
        ("<= 1.5", "supported"),
        ("between 0.5 and 1.5", "supported"),
        ("about 1 +- 0.5", "supported"),
        (">= 1.5", "refuted"),
        ("<= 0.5", "refuted"),
        ("between 1.5 and 2", "refuted"),
        ("between 0 and 0.5", "refuted"),
        (">= 1.01", "inconclusive"),
        ("between 0.5 and 1.01", "inconclusive"),
    ],
)
@pytest.mark.parametrize("kind", ["mean", "ratio"])
def test_a_claim_is_judged_by_where_its_interval_lies(kind, text, expected):
    rng = np.random.default_rng(0)
    sample = plain(1 + rng.normal(size=240)) if kind == "mean" else ratio(rng, 240, 1.0, 2.0)
    assert outcome(sample, text) == expected


def test_a_question_mark_is_measured_and_not_judged():
    sample = plain(1 + np.random.default_rng(0).normal(size=64))
    found = judge(sample, Threshold.parse("?"), ALPHA_SIDE)
    assert not found.judged
    assert found.interval == interval(sample, ALPHA_SIDE)
    assert found.estimate == sample.estimate
    assert combine([found]) is None
    assert outcomes([None, combine([found])], ALPHA_SIDE) == ["measured", "measured"]


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (plain(np.arange(15.0), 1), "too few prompts: 15, and nothing is judged below 16"),
        (
            plain(np.arange(16.0), 16),
            "too few prompts: a stratum with a single prompt says nothing about its spread",
        ),
        (
            plain(np.where(np.arange(32) % 8 == 0, np.arange(32.0), 0.01 * np.arange(32))),
            "too few prompts: 3 degrees of freedom within 8 strata, and nothing is judged below 8",
        ),
        (
            plain(np.ones(32)),
            "prompts of the same template and order all show the same value; "
            "it takes 72 prompts, not 32, to rule out rare exceptions",
        ),
        (ratio(np.random.default_rng(1), 64, 0.5, 0.0), "the denominator's interval touches 0"),
        (
            ratio(np.random.default_rng(1), 64, 0.5, -1.0),
            "the model does not do this task: the denominator is below zero",
        ),
        (Sample(np.ones(16), np.tile([-1.0, 1.0], 8), cells(16, 2)), "the denominator's interval touches 0"),
        (Sample(np.arange(16.0), np.zeros(16), cells(16, 1)), "the denominator's interval touches 0"),
    ],
)
def test_a_sample_that_cannot_decide_says_why(sample, reason):
    found = judge(sample, Threshold.parse(">= 0.1"), ALPHA_SIDE)
    assert found.reason == reason
    assert found.tails == Tails(1.0, 1.0)
    assert found.interval is None
    assert found.estimate is None or np.isfinite(found.estimate)


def test_a_denominator_that_cannot_be_negative_is_above_zero_once_it_has_been_seen_there():
    seen_once = np.zeros(64)
    seen_once[3] = 1.0
    options = {"limits": (0.0, 1.0), "denominator_limits": (0.0, 1.0)}
    found = judge(Sample(seen_once, seen_once, cells(64), **options), Threshold.parse("?"), ALPHA_SIDE)
    assert found.reason is None
    never = judge(
        Sample(seen_once * 0, seen_once * 0, cells(64), **options), Threshold.parse("?"), ALPHA_SIDE
    )
    assert never.reason == "the denominator's interval touches 0"


def test_a_claim_of_several_parts_needs_all_and_falls_with_any():
    assert combine([evidence(0.001, 0.9), evidence(0.02, 0.8)]) == Tails(0.02, 1.0)
    assert combine([evidence(0.001, 0.9), evidence(0.9, 0.004)]) == Tails(0.9, 2 * 0.004)
    assert combine([evidence(0.001, 0.9), evidence(1.0, 1.0, judged=False)]) == Tails(0.001, 0.9)


def test_a_part_that_cannot_decide_keeps_a_claim_from_being_supported():
    assert combine([evidence(0.001, 0.9), evidence(1.0, 1.0)]) == Tails(1.0, 1.0)


def test_refutations_are_corrected_for_the_claims_of_the_file_and_supports_are_not():
    false_by_a_hair = Tails(0.98, 0.02)
    true_by_a_hair = Tails(0.02, 0.98)
    assert outcomes([false_by_a_hair], ALPHA_SIDE) == ["refuted"]
    assert outcomes([false_by_a_hair, UNSETTLED], ALPHA_SIDE) == ["inconclusive", "inconclusive"]
    assert outcomes([true_by_a_hair, UNSETTLED], ALPHA_SIDE) == ["supported", "inconclusive"]
    assert outcomes([true_by_a_hair, UNSETTLED], ALPHA_SIDE, correction="file")[0] == "inconclusive"


def test_claims_that_were_not_run_make_no_verdict_easier():
    assert outcomes([Tails(0.98, 0.02)], ALPHA_SIDE, total=2) == ["inconclusive"]
    assert outcomes([Tails(0.98, 0.012)], ALPHA_SIDE, total=2) == ["refuted"]


def test_a_file_that_runs_nothing_has_no_outcomes():
    assert outcomes([], ALPHA_SIDE, total=3) == []


def test_holm_steps_down_until_a_claim_fails():
    # 0.01 <= 0.05 / 4, 0.013 <= 0.05 / 3, 0.03 > 0.05 / 2, and 0.04 <= 0.05 / 1 comes too late.
    assert holm([0.03, 0.01, 0.04, 0.013], 0.05).tolist() == [False, True, False, True]
    # Unmeasured claims have p = 1: 0.01 > 0.05 / 6.
    assert holm([0.03, 0.01, 0.04, 0.013], 0.05, total=6).tolist() == [False, False, False, False]
    assert holm([], 0.05).tolist() == []


def test_more_p_values_than_claims_is_an_error():
    with pytest.raises(ValueError, match="2 p-values were given for 1 claims"):
        holm([0.1, 0.2], 0.05, total=1)


def test_holm_keeps_the_chance_of_any_wrong_rejection():
    p_values = np.random.default_rng(2).uniform(size=(4000, 16))
    wrong = sum(holm(row, ALPHA_SIDE).any() for row in p_values)
    uncorrected = (p_values <= ALPHA_SIDE).any(axis=1).sum()
    assert wrong / 4000 < 0.03 < 0.3 < uncorrected / 4000

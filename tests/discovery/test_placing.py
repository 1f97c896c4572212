"""Thresholds lie so far inside what was measured that fresh checks of the whole file pass."""

import numpy as np
import pytest

from circuitcheck.discovery.placing import Margin, Measured, MeasuredPart, rate_at_least
from circuitcheck.statistics import Sample, judge
from circuitcheck.thresholds import Threshold

CELLS, N, DRAWS = 10, 240, 4


def draw(rng: np.random.Generator, n: int, spread: float, drawn: float) -> Sample:
    """A mean of 1 with a spread between prompts, and one that all prompts of a cell share in this draw."""
    strata = np.arange(n) % CELLS
    values = 1 + spread * rng.standard_normal(n) + drawn * rng.standard_normal(CELLS)[strata]
    return Sample(values, None, strata)


def measured(rng: np.random.Generator, spread: float, drawn: float) -> Measured:
    samples = [draw(rng, N // DRAWS, spread, drawn) for _ in range(DRAWS)]
    return Measured((MeasuredPart.of(samples, 1.0, N),))


@pytest.mark.parametrize("drawn", [0.0, 0.1])
def test_fresh_checks_pass_as_often_as_promised(drawn: float) -> None:
    rng = np.random.default_rng(3)
    margin = Margin(claims=1, parts=1, n=N, n_here=N, strata=CELLS)
    passed, thresholds = 0, []
    for _ in range(300):
        threshold = measured(rng, 0.5, drawn).at_least(margin)
        thresholds.append(threshold)
        fresh = draw(rng, N, 0.5, drawn)
        evidence = judge(fresh, Threshold(threshold, None, f">= {threshold}"), margin.level)
        passed += evidence.p_support <= margin.level
    assert passed >= 0.97 * 300
    # And no further inside than that takes: about 5.5 standard errors of the prompts alone.
    assert 1 - np.mean(thresholds) < (0.25 if drawn == 0 else 0.5)


def test_what_the_draw_of_references_adds_is_seen() -> None:
    rng = np.random.default_rng(4)
    steady, drawn = (measured(rng, 0.2, extra).parts[0] for extra in (0.0, 0.3))
    assert drawn.fresh_error > 2 * steady.fresh_error
    assert drawn.test_error == pytest.approx(steady.test_error, rel=0.2)


def test_more_claims_and_more_parts_need_more_room() -> None:
    part = MeasuredPart(1.0, 0.05, 0.05, 0.05, 30.0)
    one, ten = (Margin(claims=number, parts=number, n=N, n_here=N, strata=CELLS) for number in (1, 10))
    assert one.width(part) / 0.05 == pytest.approx(5.7, abs=0.2)
    assert ten.width(part) / 0.05 == pytest.approx(7.8, abs=0.2)


def test_thresholds_are_rounded_outward_over_all_slices() -> None:
    parts = (MeasuredPart(0.9, 0.0, 0.0, 0.0, 30.0), MeasuredPart(0.8765, 0.0, 0.0, 0.0, 30.0))
    margin = Margin(1, 1, N, N, CELLS)
    assert Measured(parts).at_least(margin) == 0.87
    assert Measured(parts).at_most(margin) == 0.9
    assert Measured((MeasuredPart(0.9001, 0.0, 0.0, 0.0, 30.0),)).at_most(margin) == 0.91


def test_a_share_of_prompts_is_claimed_as_fresh_prompts_will_show_it() -> None:
    rng = np.random.default_rng(5)
    margin = Margin(claims=2, parts=2, n=N, n_here=N, strata=CELLS)
    passed = 0
    for _ in range(300):
        claimed = rate_at_least(int(rng.binomial(N, 0.95)), margin)
        fresh = Sample((rng.random(N) < 0.95).astype(float), None, np.arange(N) % CELLS, rate=True)
        passed += judge(fresh, Threshold(claimed, None, "rate"), margin.level).p_support <= margin.level
    assert passed >= 0.985 * 300
    assert 0.75 < rate_at_least(228, margin) < 0.9
    assert rate_at_least(0, margin) == 0.0

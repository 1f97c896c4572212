"""The share of random circuits that a circuit beats."""

import pytest
from scipy import stats
from statistics_samples import ALPHA_SIDE

from circuitcheck.statistics import Beaten, Tails, beats_share, least_circuits

TABLE = {
    (0.05, 0.90): (29, 46, 61, 103),
    (0.05, 0.95): (59, 93, 124, 208),
    (0.05, 0.99): (299, 473, 628, 1049),
    (0.025, 0.90): (36, 54, 70, 114),
    (0.025, 0.95): (72, 110, 142, 230),
    (0.025, 0.99): (368, 555, 720, 1164),
    (0.025, 0.999): (3688, 5570, 7223, 11665),
}
"""(level, share) -> the fewest circuits that can show it, with 0, 1, 2 and 5 not beaten."""


@pytest.mark.parametrize(("level", "share"), TABLE)
def test_the_fewest_circuits_that_can_show_a_share(level, share):
    assert tuple(least_circuits(share, level, losses) for losses in (0, 1, 2, 5)) == TABLE[level, share]


def test_the_fewest_circuits_do_show_it_and_one_less_does_not():
    fewest = least_circuits(0.95, ALPHA_SIDE, losses=2)
    assert beats_share(Beaten(fewest - 2, 2), 0.95).support <= ALPHA_SIDE
    assert beats_share(Beaten(fewest - 3, 2), 0.95).support > ALPHA_SIDE


def test_of_a_hundred_it_takes_ninety_six_to_show_nine_in_ten():
    assert beats_share(Beaten(96, 4), 0.9).support <= ALPHA_SIDE < beats_share(Beaten(95, 5), 0.9).support


def test_ties_count_against_either_answer():
    tied = beats_share(Beaten(50, 0, ties=50), 0.9)
    assert tied.support == pytest.approx(beats_share(Beaten(50, 50), 0.9).support)
    assert tied.refute == pytest.approx(beats_share(Beaten(100, 0), 0.9).refute)


def test_p_values_are_those_of_the_exact_binomial_test():
    tails = beats_share(Beaten(93, 7), 0.9)
    assert tails.support == pytest.approx(stats.binomtest(93, 100, 0.9, alternative="greater").pvalue)
    assert tails.refute == pytest.approx(stats.binomtest(93, 100, 0.9, alternative="less").pvalue)


@pytest.mark.parametrize(
    ("beaten", "tails"),
    [
        (Beaten(55, 45, exhaustive=True), Tails(0.0, 1.0)),
        (Beaten(54, 46, exhaustive=True), Tails(1.0, 0.0)),
        (Beaten(54, 45, ties=1, exhaustive=True), Tails(1.0, 1.0)),
    ],
)
def test_when_all_circuits_were_tried_the_share_is_known(beaten, tails):
    assert beats_share(beaten, 0.55) == tails
    assert beaten.interval(ALPHA_SIDE).low == beaten.wins / 100


def test_the_interval_and_the_test_agree():
    interval = Beaten(90, 8, ties=2).interval(ALPHA_SIDE)
    assert beats_share(Beaten(90, 8, ties=2), interval.low - 1e-6).support <= ALPHA_SIDE
    assert beats_share(Beaten(90, 8, ties=2), interval.low + 1e-6).support > ALPHA_SIDE
    assert beats_share(Beaten(90, 8, ties=2), interval.high + 1e-6).refute <= ALPHA_SIDE


def test_no_circuit_and_no_share_are_errors():
    with pytest.raises(ValueError, match="0 wins, 0 losses and 0 ties are not counts of circuits"):
        Beaten(0, 0)
    with pytest.raises(ValueError, match="the share is 1; it lies between 0 and 1"):
        beats_share(Beaten(1, 0), 1)

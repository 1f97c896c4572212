"""Which of two scores tends to be higher: ties counted, levels exact, equivalence shown and not assumed."""

import numpy as np
import pytest
from scipy import stats
from statistics_samples import ALPHA_SIDE

from circuitcheck.statistics import Signs, Tails, equivalence, sign_test


def outcome(signs, margin=0.1):
    tails = equivalence(signs, margin)
    return "supported" if tails.support <= ALPHA_SIDE else "refuted" if tails.refute <= ALPHA_SIDE else "open"


def test_signs_are_counted_and_equal_scores_are_ties():
    found = Signs.of(np.array([1.0, 2.0, 3.0, 1e6, 0.0]), np.array([2.0, 1.0, 3.0, 1e6 + 0.5, 0.0]))
    assert found == Signs(wins=1, losses=1, ties=3)
    assert (found.n, found.share) == (5, 0.5)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.ones(2), np.ones(3), r"not shapes \(2,\) and \(3,\)"),
        (np.ones(0), np.ones(0), "one prompt"),
        (np.array([np.nan, 1]), np.ones(2), "not finite"),
    ],
)
def test_scores_that_cannot_be_compared_are_an_error(first, second, message):
    with pytest.raises(ValueError, match=message):
        Signs.of(first, second)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (Signs(128, 128, 0), "supported"),
        (Signs(256, 0, 0), "refuted"),
        (Signs(0, 256, 0), "refuted"),
        (Signs(0, 0, 32), "supported"),
        (Signs(0, 0, 16), "open"),
        (Signs(32, 32, 0), "open"),
        (Signs(10, 0, 246), "supported"),
    ],
)
def test_equivalence_is_shown_refuted_or_left_open(signs, expected):
    assert outcome(signs) == expected


def test_whether_the_sides_change_places_makes_no_difference():
    assert equivalence(Signs(40, 70, 18)) == pytest.approx(equivalence(Signs(70, 40, 18)))


@pytest.mark.parametrize("n", [16, 17, 32, 64])
@pytest.mark.parametrize("ties", [0.0, 0.3, 0.6, 0.79])
def test_equivalence_keeps_its_level_whatever_the_share_of_ties(n, ties):
    """The exact size at the edge of the margin, by enumeration of wins and ties."""
    wins = 0.6 - ties / 2  # so that the chance of a higher score, ties counting half, is 0.6
    size = 0.0
    tied = stats.binom.pmf(np.arange(n + 1), n, ties)
    for number, chance in enumerate(tied):
        rest = n - number
        won = stats.binom.pmf(np.arange(rest + 1), rest, wins / (1 - ties))
        shown = [outcome(Signs(w, rest - w, number)) == "supported" for w in range(rest + 1)]
        size += chance * won[shown].sum()
    assert size <= ALPHA_SIDE


@pytest.mark.parametrize(("n", "power"), [(64, 0.0), (128, 0.21), (256, 0.77)])
def test_how_often_equivalence_is_shown_where_it_holds(n, power):
    wins = np.arange(n + 1)
    shown = [outcome(Signs(int(w), n - int(w), 0)) == "supported" for w in wins]
    assert stats.binom.pmf(wins, n, 0.5)[shown].sum() == pytest.approx(power, abs=0.01)


def test_the_plain_sign_test_leaves_ties_out_and_shows_no_equivalence():
    assert sign_test(Signs(9, 1, 50)) == pytest.approx(stats.binomtest(9, 10).pvalue)
    assert sign_test(Signs(0, 0, 50)) == 1.0


def test_a_margin_of_one_half_would_be_met_by_anything_and_is_refused():
    with pytest.raises(ValueError, match=r"the margin is 0\.5; it lies between 0 and 0\.5"):
        equivalence(Signs(1, 1, 1), 0.5)
    assert isinstance(equivalence(Signs(1, 1, 1)), Tails)

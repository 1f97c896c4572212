"""When claims are looked at, and how much of the error each look may spend."""

import numpy as np
import pytest

from circuitcheck.statistics import Look, Looks, Sample, Tails, judge, smallest
from circuitcheck.thresholds import Threshold


@pytest.mark.parametrize(
    ("budget", "strata", "sizes"),
    [
        (512, 1, [32, 64, 128, 256, 512]),
        (512, 8, [32, 64, 128, 256, 512]),
        (480, 30, [120, 240, 480]),
        (200, 1, [32, 64, 128, 200]),
        (140, 1, [32, 64, 140]),
        (120, 30, [120]),
        (16, 4, [16]),
        (100, 3, [33, 66, 100]),
    ],
)
def test_looks_double_and_end_at_the_budget(budget, strata, sizes):
    looks = Looks.of(budget, strata)
    assert [look.n for look in looks.looks] == sizes
    assert looks.budget == budget


@pytest.mark.parametrize("budget", [32, 64, 128, 512, 5000])
def test_the_error_is_shared_out_exactly_half_of_it_to_the_last_look(budget):
    weights = [look.weight for look in Looks.of(budget, 4).looks]
    assert sum(weights) == pytest.approx(1)
    assert weights[-1] == (0.5 if len(weights) > 1 else 1)


def test_p_values_of_a_look_count_as_those_of_all_looks():
    assert Look(32, 0.125).corrected(Tails(0.001, 0.5)) == Tails(0.008, 1.0)
    assert smallest([Tails(0.008, 1.0), Tails(0.5, 0.2)]) == Tails(0.008, 0.2)


def test_looking_early_does_not_make_wrong_supports_frequent():
    """At the threshold at most 2.5% are supported (1,000 runs, 99% binomial bound); peeking at full level has 7%."""
    generator = np.random.default_rng(11)
    threshold, looks = Threshold(0.0, None, ">= 0"), Looks.of(256, 1).looks
    wrong = peeked = 0
    for _ in range(1000):
        values = generator.normal(size=256)
        samples = [Sample(values[: look.n], None, np.zeros(look.n, dtype=np.int64)) for look in looks]
        found = [
            judge(sample, threshold, 0.025 * look.weight) for sample, look in zip(samples, looks, strict=True)
        ]
        tails = smallest([look.corrected(each.tails) for look, each in zip(looks, found, strict=True)])
        wrong += tails.support <= 0.025
        peeked += min(each.p_support for each in found) <= 0.025
    assert wrong <= 38
    assert peeked > 45

"""Shares of independent draws: the limits of Clopper and Pearson."""

import pytest
from scipy.stats import binomtest

from circuitcheck.statistics import share_limits


@pytest.mark.parametrize(
    ("ones", "n"), [(0, 20), (1, 20), (89, 100), (95, 100), (100, 100), (20, 20), (3, 7)]
)
@pytest.mark.parametrize("alpha_side", [0.025, 0.005])
def test_limits_are_those_of_scipy(ones: int, n: int, alpha_side: float) -> None:
    found = share_limits(ones, n, alpha_side)
    known = binomtest(ones, n).proportion_ci(1 - 2 * alpha_side, method="exact")
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-9)


def test_none_and_all_leave_an_end_open() -> None:
    assert share_limits(0, 30, 0.025).low == 0.0
    assert share_limits(30, 30, 0.025).high == 1.0
    assert share_limits(0, 30, 0.025).high == pytest.approx(1 - 0.025 ** (1 / 30))

"""How reports write numbers."""

import math
from dataclasses import replace

import pytest
from verdict_samples import NECESSARY

from circuitcheck.report.numerals import interval, measured, numeral


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.412, "0.412"),
        (3.557, "3.56"),
        (98.04, "98.0"),
        (100.0, "100"),
        (1234.5, "1234"),
        (0.0, "0"),
        (-0.25, "-0.250"),
        (0.00043, "0.0004"),
        (-math.inf, "-inf"),
        (math.inf, "inf"),
    ],
)
def test_numbers_have_three_significant_digits(value, text):
    assert numeral(value) == text


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_missing_number_is_never_a_zero(value):
    assert numeral(value) == "not measured"


def test_an_interval_that_is_open_says_so():
    assert interval(replace(NECESSARY, low=None)) == "[-inf, 0.455]"
    assert interval(replace(NECESSARY, high=None)) == "[0.371, inf]"


def test_a_part_without_interval_shows_the_estimate_alone():
    assert measured(replace(NECESSARY, low=None, high=None)) == "drop 0.412"

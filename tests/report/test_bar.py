"""The interval drawn against what was expected."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from verdict_samples import NECESSARY

from circuitcheck.report.bar import interval_bar

NUMBER = st.none() | st.floats(-100, 100)


def test_the_expected_range_and_the_interval_are_drawn_on_one_axis():
    bar = interval_bar(replace(NECESSARY, estimate=0.6, low=0.5, high=0.7))
    assert bar == "0 |--------------|0.3      [===*====]              | 1"


def test_an_interval_over_its_threshold_shows_the_mark_inside():
    bar = interval_bar(replace(NECESSARY, estimate=0.4, low=0.2, high=0.6, below=0.3, above=None))
    assert bar == "0 |         [====|====*========]-------------------| 1"


def test_numbers_beyond_one_get_an_axis_with_room():
    bar = interval_bar(replace(NECESSARY, estimate=3.56, low=3.41, high=3.7, below=2.5, above=None))
    assert bar == "0 |                             |2.5------[=*=]----| 4.07"


def test_an_open_interval_ends_in_an_arrow():
    bar = interval_bar(replace(NECESSARY, estimate=0.5, low=None, high=0.6, below=None, above=None))
    assert bar == "0 |<=======================*===]                   | 1"


def test_nothing_is_drawn_without_an_estimate():
    assert interval_bar(replace(NECESSARY, estimate=None)) == ""
    assert interval_bar(replace(NECESSARY, estimate=math.nan)) == ""


@given(estimate=st.floats(-100, 100), low=NUMBER, high=NUMBER, below=NUMBER, above=NUMBER)
def test_a_bar_always_has_its_width_and_its_estimate(estimate, low, high, below, above):
    part = replace(NECESSARY, estimate=estimate, low=low, high=high, below=below, above=above)
    bar = interval_bar(part, width=48)
    canvas = bar[bar.index("|") + 1 : bar.rindex("|")]
    assert len(canvas) == 48
    assert canvas.count("*") == 1

"""The words a circuit file may use for what it expects."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuitcheck.thresholds import Threshold

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        (">= 0.8", 0.8, None),
        (">0.8", 0.8, None),
        ("<= 0.1", None, 0.1),
        ("< -2", None, -2.0),
        (">= -1.5e-3", -0.0015, None),
        (">= .5", 0.5, None),
        ("  >= +2.  ", 2.0, None),
        ("between 0.0 and 0.3", 0.0, 0.3),
        ("Between -1 and -0.5", -1.0, -0.5),
        ("about 3.5 +- 0.5", 3.0, 4.0),
        ("about -3.5±0.5", -4.0, -3.0),
        ("about 2 +/- 1", 1.0, 3.0),
        ("?", None, None),
    ],
)
def test_a_threshold_is_read_as_its_bounds(text: str, low: float | None, high: float | None) -> None:
    threshold = Threshold.parse(text)
    assert (threshold.low, threshold.high) == (low, high)
    assert str(threshold) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("at least 0.8", "cannot read 'at least 0.8'; write for example '>= 0.8' or 'between 0.0 and 0.3'."),
        ("", "cannot read ''; write for example '>= 0.8' or 'between 0.0 and 0.3'."),
        ("0.8", "cannot read '0.8'; write for example '>= 0.8' or 'between 0.0 and 0.3'."),
        (">= 0.8 or so", "cannot read '>= 0.8 or so'; write for example '>= 0.8' or 'between 0.0 and 0.3'."),
        (
            "between 0.5 and 0.2",
            "'between 0.5 and 0.2' has its lower end above its upper end; write 'between 0.2 and 0.5'.",
        ),
        (
            "between 1 and 1",
            "'between 1 and 1' has no width, so no sample could ever show it; give a lower and an upper end.",
        ),
        ("about 3 +- 0", "'about 3 +- 0' needs a margin above zero; write for example 'about 3 +- 0.1'."),
        ("about 3 +- -1", "'about 3 +- -1' needs a margin above zero; write for example 'about 3 +- 0.1'."),
        (">= 80%", "'>= 80%' is in percent; write 0.8 for 80%."),
        ("between 5 % and 10 %", "'between 5 % and 10 %' is in percent; write 0.05 for 5 %."),
        (">= inf", "'>= inf' is not a finite number; leave the bound out, or write '?' to judge nothing."),
        ("<= NaN", "'<= NaN' is not a finite number; leave the bound out, or write '?' to judge nothing."),
        (
            ">= 1e999",
            "'>= 1e999' is not a finite number; leave the bound out, or write '?' to judge nothing.",
        ),
    ],
)
def test_a_threshold_that_says_nothing_usable_is_refused_with_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Threshold.parse(text)


@pytest.mark.parametrize(
    ("text", "met", "missed"),
    [
        (">= 0.8", (0.8, 5.0), (0.79,)),
        ("<= 0.1", (0.1, -3.0), (0.11,)),
        ("between 0 and 1", (0.0, 0.5, 1.0), (-0.01, 1.01)),
        ("?", (-1e9, 0.0, 1e9), ()),
    ],
)
def test_both_ends_of_a_range_belong_to_it(
    text: str, met: tuple[float, ...], missed: tuple[float, ...]
) -> None:
    threshold = Threshold.parse(text)
    assert all(threshold.contains(value) for value in met)
    assert not any(threshold.contains(value) for value in missed)


def test_only_the_question_mark_judges_nothing() -> None:
    assert not Threshold.parse("?").judged
    assert Threshold.parse("?").bounds == ()
    assert Threshold.parse(">= 0").judged
    assert Threshold.parse("between 0 and 1").bounds == (0.0, 1.0)


@given(FINITE)
def test_every_printed_float_is_read_back(value: float) -> None:
    assert Threshold.parse(f">= {value!r}").low == value


@given(FINITE, FINITE, FINITE)
def test_a_range_contains_what_lies_between_its_ends(one: float, two: float, value: float) -> None:
    low, high = sorted((one, two))
    if low < high:
        threshold = Threshold.parse(f"between {low!r} and {high!r}")
        assert threshold.contains(value) == (low <= value <= high)

"""The interval against its threshold: what lies where."""

import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from verdict_samples import BEHAVIOUR, NECESSARY, REFUTED

from circuitcheck.report.html.interval_plot import Scale, interval_plot, scale_of, small_plot
from circuitcheck.report.results import ClaimRecord
from circuitcheck.verdict import Outcome

SVG = "{http://www.w3.org/2000/svg}"
PART = ClaimRecord.of(REFUTED).parts[0]
AT_LEAST = ClaimRecord.of(BEHAVIOUR).parts[1]


def drawing(part, draw=interval_plot):
    return ET.fromstring(draw(part))


def percent(text):
    return float(text.removesuffix("%"))


def of_class(drawing, tag, name):
    return [element for element in drawing.iter(SVG + tag) if name in element.get("class", "").split()]


def test_the_supported_region_and_the_interval_are_drawn_to_scale():
    plot = drawing(PART)
    scale = Scale(0.0, 1.0)
    (region,) = of_class(plot, "rect", "holds")
    assert percent(region.get("x")) == pytest.approx(scale.at(0.0), abs=0.01)
    assert percent(region.get("width")) == pytest.approx(scale.at(0.3) - scale.at(0.0), abs=0.01)
    bar = of_class(plot, "line", "interval")[0]
    assert percent(bar.get("x1")) == pytest.approx(scale.at(0.371), abs=0.01)
    assert percent(bar.get("x2")) == pytest.approx(scale.at(0.455), abs=0.01)
    (dot,) = of_class(plot, "circle", "dot")
    assert percent(dot.get("cx")) == pytest.approx(scale.at(0.412), abs=0.01)


def test_an_open_threshold_reaches_to_the_end_of_the_scale():
    (region,) = of_class(drawing(AT_LEAST), "rect", "holds")
    assert percent(region.get("x")) + percent(region.get("width")) == pytest.approx(97.0, abs=0.02)


def test_an_open_interval_has_no_cap_at_its_open_end():
    half_open = PART.model_copy(update={"high": None})
    assert len(of_class(drawing(half_open), "line", "interval")) == 2
    assert len(of_class(drawing(PART), "line", "interval")) == 3


def test_what_is_only_measured_has_no_region():
    reported = PART.model_copy(update={"below": None, "above": None, "outcome": Outcome.MEASURED})
    assert of_class(drawing(reported), "rect", "holds") == []


def test_nothing_is_drawn_without_an_estimate():
    nothing = PART.model_copy(update={"estimate": None})
    assert interval_plot(nothing) == ""
    assert small_plot(nothing, Scale(0, 1)) == ""


def test_a_plot_says_in_words_what_it_shows():
    assert drawing(PART).get("aria-label") == (
        "drop 0.412, interval [0.371, 0.455]; claimed: between 0 and 0.3"
    )


def test_thresholds_are_labelled_before_round_numbers():
    labels = {text.text: text.get("class") for text in drawing(PART).iter(SVG + "text")}
    assert labels["0.3"] == "number bound"
    assert labels["1"] == "number"


number = st.floats(-1e6, 1e6) | st.none()


@given(st.floats(-1e6, 1e6), number, number, number, number)
def test_everything_lies_on_the_scale_and_labels_never_run_into_each_other(estimate, low, high, below, above):
    part = PART.model_copy(
        update={"estimate": estimate, "low": low, "high": high, "below": below, "above": above}
    )
    plot = drawing(part)
    for element in plot.iter():
        for name in ("x", "x1", "x2", "cx"):
            if element.get(name, "").endswith("%"):
                assert 2.9 <= percent(element.get(name)) <= 97.1
    places = sorted(
        percent(text.get("x")) for text in of_class(plot, "text", "number") if text.get("y") == "59"
    )
    assert all(after - before >= 8.9 for before, after in pairwise(places))


def test_shares_are_drawn_from_zero_to_one():
    assert scale_of([PART]) == Scale(0.0, 1.0)
    wide = scale_of([PART.model_copy(update={"high": 3.0, "low": -1.0})])
    assert wide.low < -1.0
    assert wide.high > 3.0
    assert NECESSARY.high == PART.high

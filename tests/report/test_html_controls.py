"""Controls on the page: the strip of dots, and the sentence that says what they mean."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_reading import Page, words
from report_samples import CONTROLS, claim, ioi, run
from verdict_samples import BEHAVIOUR, REFUTED

from circuitcheck.report.html.controls_view import controls_view
from circuitcheck.report.html.figure_files import figure_files
from circuitcheck.report.html.interval_plot import scale_around
from circuitcheck.report.html.page import report_page
from circuitcheck.report.html.strip_plot import strip_plot
from circuitcheck.verdict import Outcome

SVG = "{http://www.w3.org/2000/svg}"


def drawing(controls=CONTROLS):
    return ET.fromstring(strip_plot(controls))


def points(plot):
    """Where the dots are, in percent of the plot and in rows."""
    (path,) = [each for each in plot.iter(SVG + "path") if each.get("class") == "control"]
    found = re.findall(r"M(-?\d+),(-?\d+)h0", path.get("d"))
    return [(3.0 + float(x) * 0.094, int(y)) for x, y in found]


def marks(plot):
    lines = [each for each in plot.iter(SVG + "line") if "mark" in each.get("class", "").split()]
    return {each.get("class").split()[1]: float(each.get("x1").removesuffix("%")) for each in lines}


def view(**changes):
    return controls_view(claim(replace(REFUTED, controls=replace(CONTROLS, **changes))))


def test_every_control_is_a_dot_at_its_effect():
    scale = scale_around([*CONTROLS.effects, 0.42, 0.05])
    found = sorted(x for x, _ in points(drawing()))
    assert len(found) == 100
    assert found == pytest.approx(sorted(map(scale.at, CONTROLS.effects)), abs=0.1)


def test_dots_near_each_other_are_stacked():
    places = points(drawing(replace(CONTROLS, effects=(0.1, 0.1, 0.1, 0.4))))
    assert len({y for x, y in places if x == places[0][0]}) == 3


def test_the_claim_the_required_share_and_the_errors_are_marked():
    scale = scale_around([*CONTROLS.effects, 0.42, 0.05])
    # 95 of the 100 controls are at or below the 95th, which is 94 / 250.
    expected = {"own": scale.at(0.42), "needed": scale.at(94 / 250), "errors": scale.at(0.05)}
    assert marks(drawing()) == pytest.approx(expected, abs=0.01)
    texts = [text.text for text in drawing().iter(SVG + "text")]
    assert texts[:3] == ["this claim 0.420", "to beat: 0.376 (95%)", "errors alone 0.050"]


def test_where_less_is_stronger_the_claim_has_to_lie_below():
    effects = tuple(1 + number / 100 for number in range(100))
    plot = drawing(replace(CONTROLS, effect=0.5, effects=effects, beaten=1.0, error_effect=None))
    scale = scale_around([*effects, 0.5])
    assert marks(plot)["needed"] == pytest.approx(scale.at(1.05), abs=0.01)


def test_without_errors_or_with_effects_that_are_no_numbers_the_rest_is_drawn():
    assert set(marks(drawing(replace(CONTROLS, error_effect=None)))) == {"own", "needed"}
    plot = drawing(replace(CONTROLS, effects=(0.1, math.nan, 0.3)))
    assert set(marks(plot)) == {"own", "errors"}
    assert len(points(plot)) == 2


@pytest.mark.parametrize("changes", [{"effects": ()}, {"effects": (0.1,)}, {"effect": math.nan}])
def test_where_there_is_nothing_to_compare_nothing_is_drawn(changes):
    assert strip_plot(replace(CONTROLS, **changes)) == ""


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=120), st.floats(-1e6, 1e6))
def test_all_dots_lie_inside_the_strip(effects, effect):
    plot = drawing(replace(CONTROLS, effects=tuple(effects), effect=effect))
    (inner,) = [each for each in plot if each.tag == SVG + "svg"]
    assert len(points(plot)) == len(effects)
    for x, y in points(plot):
        assert 3 <= x <= 97.1
        assert 0 <= y <= float(inner.get("height"))
    assert all(3 <= x <= 97 for x in marks(plot).values())


def test_the_sentence_says_how_many_were_beaten_what_is_usual_and_what_errors_do():
    found = view()
    assert found.done == (
        "The same was done with 100 other sets of 2 features of the same dictionaries that fire there about as "
        "often and as strongly."
    )
    assert found.found == (
        "On the same 120 prompt pairs, the claim's drop of 0.420 beats 97 of 100 matched sets (95 are required); "
        "the median control has 0.198; the dictionaries' errors alone, replaced in the same way, give 0.050."
    )
    assert found.facts == "controls drawn from the 20 to 22 nearest features of each · seed 7"


def test_single_features_are_not_called_sets():
    found = view(pools={"L2.tc/174@END": 20})
    assert "100 other features of the same" in found.done
    assert "97 of 100 matched features" in found.found


def test_a_shortage_of_controls_is_said():
    reason = "12 of 100 controls could be made: too few features fire"
    assert view(reason=reason).found.endswith(" 12 of 100 controls could be made: too few features fire.")
    none = view(
        effects=(), beaten=0.0, reason="it never fires", error_effect=None, outcome=Outcome.INCONCLUSIVE
    )
    assert (none.done, none.found, none.plot) == ("No controls could be made.", "It never fires.", "")


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.SUPPORTED, "✓ stands out"),
        (Outcome.REFUTED, "✗ does not stand out"),
        (Outcome.INCONCLUSIVE, "? undecided"),
        (Outcome.MEASURED, "○ measured only"),
    ],
)
def test_the_outcome_is_a_word_and_a_symbol_on_the_claim_s_card(outcome, said):
    verdict = replace(REFUTED, controls=replace(CONTROLS, outcome=outcome))
    page = Page(report_page(run(ioi([claim(verdict)]))))
    (block,) = page.all("div", "controls")
    assert words(block.text).startswith(f"{said} against matched features.")


def test_claims_without_controls_have_no_such_block():
    assert controls_view(claim(BEHAVIOUR)) is None
    assert Page(report_page(run(ioi([claim(BEHAVIOUR)])))).all("div", "controls") == []


def test_the_strip_is_among_the_drawings_in_files_of_their_own():
    files = {path.as_posix(): text for path, text in figure_files(run(ioi()))}
    root = ET.fromstring(files["ioi/better-than-chance-controls.svg"].encode())
    assert root.get("width") == "640"
    assert "var(" not in files["ioi/better-than-chance-controls.svg"]

"""Paths, limits to a change and steering on the page: what was done in words, and the dose-response as a drawing."""

import re
from dataclasses import replace

import pytest
from page_reading import Page
from report_samples import NODES, part, run
from verdict_samples import REFUTED

from circuitcheck.report.html.claim_view import claim_view
from circuitcheck.report.html.deeds import deed
from circuitcheck.report.html.dose_plot import dose_plot
from circuitcheck.report.html.file_view import file_view
from circuitcheck.report.html.page import report_page
from circuitcheck.report.results import ClaimRecord, EdgeRecord, FileRecord
from circuitcheck.verdict import Outcome


def record(verb, nodes, written, facts=()):
    return ClaimRecord(
        claim="c", verdict="measured", verb=verb, nodes=nodes, written=written, facts=dict(facts)
    )


PATH = {"path": "reader -> mover (q)", "from": "corrupt", "into": "clean"}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            record("patch", ["L0H0@S2"], PATH, {"read by": "L2H0.q@END"}),
            "While the model read the clean prompt, only mover (as its query, at L2H0.q@END) saw the attention head "
            "L0H0 at S2 as on the corrupt twin.",
        ),
        (
            record("patch", ["L0H0@S2"], {"path": "reader -> L1.mlp@S2 (in)"}),
            "While the model read the corrupt prompt, only L1.mlp@S2 (as its input) saw the attention head L0H0 at "
            "S2 as on the clean twin.",
        ),
        (
            record("ablate", ["L2H0@END"], {"with": "zero", "downstream": "frozen"}),
            "On clean prompts, the attention head L2H0 at END was replaced by zero. Every other head and MLP was "
            "frozen: it kept the value of the untouched run.",
        ),
        (
            record("ablate", ["L2H0@END"], {"with": "zero", "downstream": "frozen", "mlps": "live"}),
            "On clean prompts, the attention head L2H0 at END was replaced by zero. Every other head was frozen: it "
            "kept the value of the untouched run, and MLPs followed.",
        ),
        (
            record(
                "ablate", ["L2H0@END"], {"with": "zero", "from_hook": "L2.resid_mid", "until": "L3.resid"}
            ),
            "On clean prompts, the attention head L2H0 at END was replaced by zero. The change entered the residual "
            "stream at L2.resid_mid, and nothing before saw it. At L3.resid it left the residual stream again.",
        ),
        (
            record(
                "attends",
                ["L2H0@END"],
                {"to": "IO", "under": {"patch": ["reader"], **PATH, "downstream": "frozen"}},
            ),
            "On clean prompts, the attention that the attention head L2H0 at END pays to IO was read. Meanwhile this "
            "was in force: patch reader along reader -> mover (q). Every other head and MLP was frozen: it kept the "
            "value of the untouched run.",
        ),
        (
            record("steer", ["L2.tc/174@END"], {"add": [2.0, 4.0, 8.0], "error": "clean"}),
            "On clean prompts, 2, 4 and 8 were added to the activation of the feature L2.tc/174 at END, one after "
            "the other. What their dictionary does not explain was frozen at the clean run.",
        ),
        (
            record("steer", ["L2H0@END"], {"scale": [0.5]}),
            "On clean prompts, the output of the attention head L2H0 at END was multiplied by 0.5.",
        ),
        (
            record("steer", ["L2.tc/174@END"], {"set": [0.0]}),
            "On clean prompts, the activation of the feature L2.tc/174 at END was set to 0.",
        ),
    ],
)
def test_how_far_a_change_reached_is_told_in_plain_words(told, said):
    assert deed(told, NODES) == said


def steered(parts, written):
    verdict = replace(REFUTED, verb="steer", outcome=Outcome.MEASURED, parts=tuple(parts))
    return ClaimRecord.of(verdict).model_copy(update={"written": written})


def effect(label, value):
    return replace(part("effect", value, value - 0.2, value + 0.2, Outcome.MEASURED), slice=label)


THREE = [effect("add -2", -1.0), effect("add 2", 1.0), effect("add 4", 1.5)]


def dots(svg):
    """(x in percent, y in pixels, title) of each dot."""
    found = re.findall(r'<circle cx="([\d.]+)%" cy="([\d.]+)"[^>]*><title>([^<]*)</title>', svg)
    return [(float(x), float(y), title) for x, y, title in found]


def test_a_dose_response_is_drawn_from_left_to_right_and_more_is_higher():
    drawn = dots(dose_plot(steered(THREE, {"add": [-2.0, 2.0, 4.0]})))
    assert [title for *_, title in drawn] == ["-1.00 at -2", "1.00 at 2", "1.50 at 4"]
    assert [x for x, *_ in drawn] == sorted(x for x, *_ in drawn)
    assert [y for _, y, _ in drawn] == sorted((y for _, y, _ in drawn), reverse=True)
    (first, *_), (second, *_), (third, *_) = drawn
    assert (second - first) / (third - second) == pytest.approx(2, abs=0.01)


def test_the_coefficient_that_does_nothing_has_no_effect():
    drawn = dots(dose_plot(steered(THREE, {"add": [-2.0, 0.0, 2.0, 4.0]})))
    assert drawn[1][2] == "0 at 0"


def test_each_slice_has_a_line_of_its_own():
    parts = [effect(f"scale {by}, {order}", by) for order in ("ABBA", "BABA") for by in (2, 3, 5)]
    svg = dose_plot(steered(parts, {"scale": [2.0, 3.0, 5.0]}))
    assert len(re.findall('class="join"', svg)) == 4
    assert dots(svg)[-1][2] == "5.00 at 5, BABA"


def test_one_coefficient_and_other_verbs_have_no_curve():
    assert not dose_plot(steered(THREE[:1], {"add": [-2.0]}))
    assert not dose_plot(ClaimRecord.of(REFUTED))
    assert claim_view(ClaimRecord.of(REFUTED), FileRecord(path="a", circuit="a"), "c").doses == ""


EDGE = EdgeRecord(source="L0H0@S2", target="L2H0@END", input="v", claim="edge-a")


def page_of(*records):
    file = FileRecord(path="a", circuit="a", claims=list(records), nodes=NODES, edges=[EDGE])
    return file_view(file, 1)


def test_an_edge_is_coloured_as_its_own_claim_came_out():
    view = page_of(ClaimRecord.of(replace(REFUTED, claim="edge-a")))
    assert 'class="edge v refuted"' in view.picture
    assert "edge-a: refuted" in view.picture
    assert [(edge.text, edge.claim[1]) for edge in view.edges] == [("L0H0@S2 → L2H0@END (v)", "edge-a")]


def test_an_edge_that_this_run_did_not_measure_is_plain():
    view = page_of()
    assert 'class="edge v"' in view.picture
    assert view.edges[0].claim is None


def test_the_page_holds_the_curve_and_links_edges_to_their_claims():
    file = FileRecord(
        path="a",
        circuit="a",
        claims=[
            steered(THREE, {"add": [-2.0, 2.0, 4.0]}),
            ClaimRecord.of(replace(REFUTED, claim="edge-a")),
        ],
        nodes=NODES,
        edges=[EDGE],
    )
    page = Page(report_page(run(file)))
    assert len(page.all("svg", "dose")) == 1
    assert "Edges: L0H0@S2 → L2H0@END (v) (refuted)" in page.text


def test_only_conditions_that_are_judged_have_to_hold():
    judged = replace(effect("", 1.0), quantity="slope", outcome=Outcome.SUPPORTED)
    told = steered([judged, *THREE], {"add": [-2.0, 2.0, 4.0]})
    view = claim_view(
        told.model_copy(update={"verdict": "supported"}), FileRecord(path="a", circuit="a"), "c"
    )
    assert "conditions" not in view.why
    two = steered([judged, replace(judged, slice="x"), *THREE], {"add": [-2.0, 2.0, 4.0]})
    view = claim_view(two.model_copy(update={"verdict": "supported"}), FileRecord(path="a", circuit="a"), "c")
    assert "the hardest of 2 conditions" in view.why

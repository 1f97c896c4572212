"""Two runs side by side."""

from dataclasses import replace

import pytest
from page_reading import Page, words
from report_samples import CONTROLS, NASTY, claim, ioi, run
from verdict_samples import BEHAVIOUR, NECESSARY, REFUTED, REPORTED, UNDECIDED

from circuitcheck.report.html.comparison import comparison_view
from circuitcheck.report.html.page import comparison_page
from circuitcheck.verdict import Outcome

LATER = "20261123T093512Z-abcdef"
LOWER = replace(NECESSARY, estimate=0.21, low=0.18, high=0.25, outcome=Outcome.SUPPORTED)
BETTER = replace(REFUTED, outcome=Outcome.SUPPORTED, parts=(LOWER,))


def runs(old, new, **fields):
    """Two runs of one file whose claims are these verdicts."""
    before = run(ioi([claim(verdict) for verdict in old]))
    return before, run(ioi([claim(verdict) for verdict in new], **fields), name=LATER)


def test_a_verdict_that_changed_comes_first_with_both_words_and_the_change():
    view = comparison_view(*runs([BEHAVIOUR, REFUTED], [BEHAVIOUR, BETTER]))
    first, second = view.pairs
    assert (first.claim, first.before.word, first.after.word, first.changed) == (
        "backup-compensates",
        "refuted",
        "supported",
        True,
    )
    (part,) = first.parts
    assert (part.before, part.after, part.change, part.note) == (
        "0.412 [0.371, 0.455]",
        "0.210 [0.180, 0.250]",
        "-0.202",
        "intervals apart",
    )
    assert not second.changed
    assert [part.note for part in second.parts] == ["intervals overlap", "intervals overlap"]
    assert view.headline == "1 of 2 claims that both runs have came out differently."


def test_claims_of_one_run_alone_are_listed_apart():
    view = comparison_view(*runs([BEHAVIOUR, UNDECIDED], [BEHAVIOUR, REPORTED]))
    assert [alone.claim for alone in view.only_before] == ["better-than-chance"]
    assert [alone.claim for alone in view.only_after] == ["how-much"]
    assert view.headline == "All 1 claims that both runs have came out the same."


def test_hashes_that_differ_come_before_other_facts():
    provenance = {"model": {"name": "ioi-mini", "sha256": "cd" * 32}, "seed": 1, "dtype": "float32"}
    view = comparison_view(*runs([BEHAVIOUR], [BEHAVIOUR], provenance=provenance, model="other"))
    assert [(row.what, row.before, row.after) for row in view.differences] == [
        ("ioi: model.sha256", "ab" * 32, "cd" * 32),
        ("ioi: model", "ioi-mini", "other"),
        ("ioi: seed", "0", "1"),
    ]
    assert view.same_facts == 4


def test_a_file_that_moved_is_still_the_same_circuit():
    view = comparison_view(*runs([BEHAVIOUR], [BEHAVIOUR], path="elsewhere/ioi.circuit.yaml"))
    assert [pair.claim for pair in view.pairs] == ["behaviour"]


def test_a_threshold_that_changed_is_shown_as_both():
    moved = replace(REFUTED, parts=(replace(NECESSARY, above=0.5),))
    (pair,) = comparison_view(*runs([REFUTED], [moved])).pairs
    assert pair.parts[0].claimed == "between 0 and 0.3, then between 0 and 0.5"


def test_a_claim_written_differently_is_marked():
    before, after = runs([REFUTED], [REFUTED])
    old = before.files[0].claims[0].model_copy(update={"written": {"ablate": ["a"]}})
    new = after.files[0].claims[0].model_copy(update={"written": {"ablate": ["b"]}, "says": "Otherwise."})
    (pair,) = comparison_view(run(ioi([old])), run(ioi([new]))).pairs
    assert "the claim is written differently" in pair.note
    assert "the sentence changed; it was “Knocking out" in pair.note


def test_controls_that_changed_are_told_of_both_runs():
    with_controls = replace(REFUTED, controls=CONTROLS)
    weaker = replace(REFUTED, controls=replace(CONTROLS, beaten=0.5))
    for before, after, told in (
        (with_controls, weaker, ("beats 97 of 100 matched features", "then: beats 50 of 100 matched")),
        (REFUTED, with_controls, ("controls: none; then: beats 97 of 100",)),
        (with_controls, with_controls, ()),
    ):
        (pair,) = comparison_view(*runs([before], [after])).pairs
        assert all(text in pair.note for text in told)
        assert bool(pair.note) == bool(told)


def test_a_part_that_one_run_lacks_has_no_change():
    both = replace(REFUTED, parts=(NECESSARY, replace(NECESSARY, slice="ABBA")))
    (pair,) = comparison_view(*runs([REFUTED], [both])).pairs
    assert [(part.name, part.before, part.change) for part in pair.parts] == [
        ("drop", "0.412 [0.371, 0.455]", "0"),
        ("drop ABBA", "—", "—"),
    ]


def test_runs_with_nothing_in_common_say_so():
    assert comparison_view(*runs([BEHAVIOUR], [REFUTED])).headline == "The runs have no claim in common."


@pytest.fixture
def page():
    odd = replace(REFUTED, claim="odd", says=NASTY)
    return Page(comparison_page(*runs([REFUTED, odd], [BETTER, odd, REPORTED])))


def test_the_page_says_it_all_in_words(page):
    for said in (
        "✗ refuted →, then ✓ supported",
        "verdict changed",
        "-0.202",
        "Claims only in the run after",
    ):
        assert said in page.text
    assert words(NASTY) in page.text
    assert not page.all("script")

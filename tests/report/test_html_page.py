"""The page of a run: what it says, that foreign text stays text, and that it needs nothing but itself."""

import re
import time
from dataclasses import replace

import pytest
from crowded_run import crowded_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from page_reading import Page, words
from report_samples import (
    EXAMPLE,
    FEATURES,
    HIDDEN,
    MARKUP,
    NASTY,
    SPANS,
    TEXT,
    claim,
    ioi,
    run,
)
from verdict_samples import BEHAVIOUR

from circuitcheck.report.html.page import report_page
from circuitcheck.report.results import FileRecord, SetupRecord


@pytest.fixture(scope="module")
def page():
    return Page(report_page(run(ioi())))


def card(page, name):
    """The text of one claim's card."""
    found = [article for article in page.all("article", "claim") if f"::{name}" in words(article.text)]
    assert len(found) == 1
    return words(found[0].text)


def test_the_summary_counts_claims_by_verdict_in_words_and_symbols(page):
    counts = [words(element.text) for element in page.all("dt") if element.attributes.get("class")]
    counts = [count for count in counts if count[0].isdigit()]
    assert counts == [
        "2 ✓ supported",
        "1 ✗ refuted",
        "1 ! error",
        "1 ✓! unexpectedly supported",
        "1 ? inconclusive",
        "2 ≈ known failure",
        "1 ○ measured only",
    ]
    assert "4 of 9 claims need attention." in page.text
    assert "At least one expectation was shown not to hold, or its controls do as much." in page.text


def test_the_summary_says_when_on_which_model_and_how_to_run_again(page):
    for said in ("22 November 2026, 09:35:12 UTC, took 3 min 20 s", "Model ioi-mini", "pytest circuits/"):
        assert said in page.text


def test_a_run_in_which_all_is_well_says_so_and_still_counts_refuted_ones():
    page = Page(report_page(run(ioi([claim(BEHAVIOUR)], setup=[]))))
    assert "1 claim: all came out as its file says." in page.text
    assert "0 ✗ refuted" in page.text


def test_a_refuted_claim_says_what_was_claimed_done_and_measured(page):
    text = card(page, "backup-compensates")
    for said in (
        "✗ refuted",
        "Knocking out the name movers costs little, because backups take over.",
        "On clean prompts, the attention head L2H0 at END and the query input of head L2H5.q at END "
        "were replaced by their mean over a reference set of corrupt prompts.",
        "Claimed: drop between 0 and 0.3. Measured: 0.412, and with 95% confidence no less than 0.371. "
        "So the claim is refuted.",
        "n = 480 prompt pairs · seed 0 · 95% confidence · prompts of these 15 templates in 2 orders",
        "pytest circuits/ioi.circuit.yaml::backup-compensates",
        "3.90 → 0.200",
        "garden ✗ 0.310",
        "3 of 3 lie outside the claimed range",
    ):
        assert said in text


def test_words_of_roles_are_marked_in_prompts(page):
    marks = [words(mark.text) for mark in page.all("span", "role")]
    assert marks[:3] == ["MaryIO", "JohnS1", "JohnS2"]
    assert [TEXT[start:end] for start, end in SPANS.values()] == ["Mary", "John", "John"]


def test_a_claim_of_several_conditions_shows_each(page):
    text = card(page, "faithful")
    assert "recovered for ABBA 0.910 [0.860, 0.960] between 0.8 and 1.2 ✓ supported" in text
    assert "recovered for BABA 0.840 [0.812, 0.870] between 0.8 and 1.2 ✓ supported" in text
    assert "Warning: overlap: L2.tc/174 shares 0.41" in text


def test_a_known_failure_is_marked_as_expected_with_its_reason(page):
    text = card(page, "backups-are-absent")
    assert "≈ known failure" in text
    assert "Expected not to be supported: #12: not yet understood" in text
    assert text.count("The file expects that.") == 1


def test_a_claim_that_could_not_be_measured_says_why(page):
    assert "Not measured: L9H6 is in layer 9, and the model has 4." in card(page, "gone")


def test_provenance_is_on_the_page(page):
    assert "model.sha256 " + "ab" * 32 in page.text
    assert "torch 2.13.0" in page.text


def test_setup_items_say_whether_they_are_in_order(page):
    assert "✓ in order setup-prompts 480 pairs from 15 templates" in page.text
    assert "✗ failed setup-dictionary-tc L2.tc/error@END does not fit: 0.31" in page.text
    assert "1 setup check failed." in page.text


def test_how_well_a_dictionary_fits_is_a_table_of_its_places():
    facts = {
        "L2.tc/error@END explained": 0.831,
        "L2.tc/error@END kept": 0.97,
        "L2.tc/error@END dead": 0.0,
        "L3.tc/error@END explained": 0.7,
        "n": 480.0,
    }
    setup = [SetupRecord(name="setup-dictionary-tc", ok=True, message="dictionary tc fits", facts=facts)]
    text = Page(report_page(run(ioi([claim(BEHAVIOUR)], setup=setup)))).text
    assert (
        "place variance explained metric kept with the error dropped named features that never fire "
        "L2.tc/error@END 0.831 0.970 0 L3.tc/error@END 0.700"
    ) in text
    assert "Numbers of setup-dictionary-tc n 480" in text


def test_a_file_of_which_nothing_could_be_measured_says_why():
    file = FileRecord(path="a.circuit.yaml", circuit="a", error="there is no model 'gpt9'.")
    page = Page(report_page(run(file)))
    assert "Nothing of this file could be measured: there is no model 'gpt9'." in page.text
    assert "No claim was measured." in page.text


def test_an_interrupted_run_says_so():
    assert "The run was interrupted." in Page(report_page(run(ioi(), interrupted=True))).text


def test_foreign_text_stays_text(page):
    tags = {element.tag for element in page.elements}
    assert not tags & {"script", "b>bold", "img", "link", "iframe"}
    assert [bold for bold in page.all("b") if "bold" in bold.text] == []
    assert card(page, "looks-like-markup").count(words(NASTY)) >= 6
    titles = [words(title.text) for title in page.all("title")]
    assert any(f"this name comes next {words(NASTY)}" in title for title in titles)


def test_signs_that_nobody_would_see_are_named_wherever_they_stand():
    verdict = replace(
        MARKUP, says=HIDDEN, warnings=(HIDDEN,), tags=(HIDDEN,), cells={f"{HIDDEN} a": 1.0, "b a": 2.0}
    )
    record = claim(verdict)
    record = record.model_copy(update={"worst": [record.worst[0].model_copy(update={"prompt": HIDDEN})]})
    features = [
        FEATURES[0].model_copy(update={"groups": [HIDDEN], "promotes": [(HIDDEN, 1.0)], "missing": missing})
        for missing in ("", HIDDEN)
    ]
    example = EXAMPLE.model_copy(update={"tokens": [HIDDEN] * 15})
    setup = [SetupRecord(name="s", ok=True, message=HIDDEN, facts={HIDDEN: HIDDEN})]
    file = ioi(
        [record], title=HIDDEN, features=features, example=example, setup=setup, provenance={"a": HIDDEN}
    )
    html = report_page(run(file))
    assert not set(html) & {"\u202e", "\x00", "\u200b"}
    assert html.count("left⟨U+202E⟩right⟨U+0000⟩⟨U+200B⟩") >= 14


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Cn", "Co"]), min_size=1))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_shown_as_it_is(text):
    verdict = replace(MARKUP, says=text, warnings=(text,), tags=(text,), known_failure=text)
    page = Page(report_page(run(ioi([claim(verdict)], title=text, model=text))))
    (article,) = page.all("article")
    assert article.text.count(text) >= 3
    assert page.all("h2")[1].text == text


def test_the_page_loads_nothing_and_needs_no_script():
    html = report_page(run(ioi()))
    page = Page(html)
    references = [
        value
        for element in page.elements
        for name, value in element.attributes.items()
        if name in {"src", "href", "action", "data", "srcset"}
    ]
    assert references
    assert all(reference.startswith("#") for reference in references)
    style = page.all("style")[0].text
    assert "@import" not in style
    assert "url(" not in style
    assert re.findall(r"url\((?!#)", html) == []
    assert not any(name.startswith("on") for element in page.elements for name in element.attributes)


def test_every_link_leads_somewhere_and_no_id_is_there_twice():
    page = Page(report_page(run(ioi(), ioi(path="b.circuit.yaml", circuit="b"))))
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    links = {element.attributes["href"].removeprefix("#") for element in page.all("a")}
    assert links <= set(ids)
    labels = {
        name
        for element in page.elements
        for name in (element.attributes.get("aria-labelledby") or "").split()
    }
    assert labels <= set(ids)


def test_two_hundred_claims_stay_small_and_per_prompt_values_stay_out():
    results = crowded_run()
    started = time.process_time()  # other work on the machine is not this page's
    html = report_page(results)
    seconds = time.process_time() - started
    assert html.count("<article") == 200
    assert html.count('<details class="feature"') == 40
    assert html.count('class="plot strip"') == 100
    assert len(html.encode()) < 2_000_000
    assert "4242.125" not in html
    assert seconds < 2.0

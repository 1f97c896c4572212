"""The features of a circuit on its page: where they fire, what they speak for, and what is not known."""

import pytest
from page_reading import Page, words
from report_samples import CONTEXT, FEATURES, HIDDEN, NASTY, claim, ioi, run
from verdict_samples import REFUTED

from circuitcheck.report.html.feature_view import TokenView, feature_groups, share, word
from circuitcheck.report.html.page import report_page
from circuitcheck.report.results import ContextRecord


@pytest.fixture(scope="module")
def page():
    return Page(report_page(run(ioi())))


def feature(page, name):
    (found,) = [each for each in page.all("details", "feature") if words(each.text).startswith(name)]
    return words(found.text)


def test_a_feature_says_how_often_it_fires_and_on_which_prompts(page):
    text = feature(page, "L2.tc/174")
    for said in (
        "L2.tc/174 at END fires on 45% promotes Mary John",
        "Fires at END on 45% of the clean prompts; its mean activation there is 1.15.",
        "When MaryIO and JohnS1 went to the garden , JohnS2 gave a ring toEND 6.27 garden ABBA",
        "7 tokens … When",
        "… 3 tokens 2.00",
    ):
        assert said in text


def test_the_firing_token_is_the_only_one_that_is_marked(page):
    marks = [words(mark.text) for mark in page.all("mark")]
    assert marks[:2] == ["JohnS2", "went"]


def test_a_feature_names_the_tokens_it_promotes_and_suppresses(page):
    text = feature(page, "L2.tc/174")
    assert "Promotes Mary +2.08, John +0.500" in text
    assert "Suppresses the -3.41, ⏎ -1.00" in text


def test_features_stand_under_the_words_of_the_file(page):
    headings = [words(element.text) for element in page.all("h4", "group")]
    assert headings[0] == "answer “this name comes next”"
    assert headings[2] == "not in a group"


def test_a_feature_leads_to_its_claims_and_the_table_of_nodes_to_the_feature(page):
    assert "Claims: better-than-chance (inconclusive)" in feature(page, "L2.tc/174")
    assert "Claims: none in this run" in feature(page, "L3.tc/9")
    links = {words(link.text): link.attributes["href"] for link in page.all("a")}
    (details,) = [each for each in page.all("details", "feature") if "L2.tc/174" in each.text]
    assert links["L2.tc/174"] == f"#{details.attributes['id']}"


def test_a_feature_that_never_fires_says_so_and_one_that_is_unknown_says_why(page):
    assert "It fires on none of these prompts." in feature(page, "L3.tc/255")
    assert f"Nothing is known of it: there is no layer 7. {words(NASTY)}" in feature(page, "L7.tc/1")
    assert "L7.tc/1 at END not described" in feature(page, "L7.tc/1")


def test_where_tokens_cannot_be_told_it_says_why(page):
    assert "Which tokens it speaks for cannot be told" in feature(page, "L3.tc/255")


def test_markup_and_hidden_signs_in_tokens_are_text(page):
    text = feature(page, "L3.tc/9")
    shown = (
        words(HIDDEN).replace("\u202e", "⟨U+202E⟩").replace("\x00", "⟨U+0000⟩").replace("\u200b", "⟨U+200B⟩")
    )
    assert text.count(words(NASTY)) >= 4
    assert text.count(shown) == 4
    assert not [bold for bold in page.all("b") if "bold" in bold.text]
    assert not page.all("script")


def test_a_file_without_features_has_no_section_for_them():
    html = report_page(run(ioi([claim(REFUTED)], features=[])))
    assert ">Features<" not in html


def test_tokens_between_roles_are_one_piece_and_spaces_stay_before_marks():
    record = ContextRecord(
        tokens=["A", " b", " Mary", ",", " to"],
        firing=4,
        activation=1.0,
        roles={"IO": 2, "END": 4, "LAST": 4},
    )
    (group,) = feature_groups([FEATURES[0].model_copy(update={"contexts": [record]})], {}, "f1")
    assert group.features[0].contexts[0].tokens == (
        TokenView("", "A b", "", fires=False),
        TokenView(" ", "Mary", "IO", fires=False),
        TokenView("", ",", "", fires=False),
        TokenView(" ", "to", "END, LAST", fires=True),
    )


def test_the_text_of_a_context_is_the_prompt():
    (group,) = feature_groups([FEATURES[0]], {}, "f1")
    shown = "".join(token.space + token.text for token in group.features[0].contexts[0].tokens)
    assert shown == "".join(CONTEXT.tokens)


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.0, "0%"),
        (0.004, "under 1%"),
        (0.45, "45%"),
        (0.996, "over 99%"),
        (1.0, "100%"),
        (None, "not measured"),
    ],
)
def test_shares_are_never_rounded_to_none_or_all(rate, text):
    assert share(rate) == text


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (" Mary", "Mary"),
        ("  x ", "x"),
        (" ", "␣"),
        ("  ", "␣␣"),
        ("\n", "⏎"),
        ("a\tb", "a⇥b"),
        ("", "(nothing)"),
    ],
)
def test_tokens_are_named_so_that_each_can_be_seen(token, text):
    assert word(token) == text

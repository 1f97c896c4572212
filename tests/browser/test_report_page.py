"""The page as a browser shows it: at every width, in the dark, without JavaScript, by keyboard."""

import time
from dataclasses import replace

import pytest
from report_samples import claim, ioi, run
from verdict_samples import BEHAVIOUR, REFUTED, UNDECIDED

from circuitcheck.report.html.page import comparison_page, report_page

CROWDED = 4.0
"""How much slower than an idle machine the tests may find theirs."""
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 1000}
BOXES = """(query) => Array.from(document.querySelectorAll(query), element => {
  const box = element.getBoundingClientRect();
  return {text: element.textContent, left: box.left, right: box.right, top: box.top, bottom: box.bottom};
})"""
STICKS_OUT = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def html():
    return report_page(run(ioi()))


def boxes(page, query):
    return [box for box in page.evaluate(BOXES, query) if box["text"].strip()]


def overlap(one, other, slack=0.5):
    return (
        one["left"] < other["right"] - slack
        and other["left"] < one["right"] - slack
        and one["top"] < other["bottom"] - slack
        and other["top"] < one["bottom"] - slack
    )


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_of_the_window(open_page, html, viewport, scheme):
    other = run(ioi([claim(BEHAVIOUR)]), name="20261123T093512Z-abcdef")
    for text in (html, comparison_page(run(ioi()), other)):
        page = open_page(text, viewport=viewport, color_scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate(STICKS_OUT) == 0


def test_only_the_file_itself_is_asked_for_and_foreign_text_runs_nothing(open_page, html):
    page = open_page(html)
    assert len(page.asked) == 1
    assert page.asked[0].startswith("file:")
    assert page.complaints == []


def test_it_reads_the_same_without_javascript(open_page, html):
    page = open_page(html, java_script_enabled=False)
    card = page.locator("article", has_text="::backup-compensates")
    assert card.get_by_text("So the claim is refuted.").is_visible()
    assert card.get_by_text("3.90 → 0.200").is_visible()
    assert page.locator("svg.circuit").is_visible()


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_in_the_picture_no_label_covers_another(open_page, html, viewport):
    page = open_page(html, viewport=viewport)
    tokens = boxes(page, ".circuit .token")
    roles = boxes(page, ".circuit .role")
    nodes = boxes(page, ".circuit .node .shape, .circuit .node .name") or []
    labels = boxes(page, ".circuit .name, .circuit .group, .circuit .input, .circuit .layer")
    assert len(tokens) == 15
    for number, token in enumerate(tokens + roles):
        for other in (tokens + roles)[number + 1 :] + labels + nodes:
            assert not overlap(token, other), (token, other)
    names = boxes(page, ".circuit .name, .circuit .group")
    for number, name in enumerate(names):
        assert not any(overlap(name, other) for other in names[number + 1 :])


def test_names_stay_inside_their_shapes(open_page, html):
    page = open_page(html, viewport=DESK)
    for number in range(page.locator(".circuit .node").count()):
        node = page.locator(".circuit .node").nth(number)
        shape, name = node.locator(".shape").first.bounding_box(), node.locator(".name").bounding_box()
        assert name["x"] >= shape["x"] + 2
        assert name["x"] + name["width"] <= shape["x"] + shape["width"] - 2


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_labels_of_plots_stay_apart_and_inside(open_page, html, viewport):
    page = open_page(html, viewport=viewport)
    count = page.locator("svg.plot:not(.small)").count()
    assert count == 8
    for number in range(count):
        page.locator("svg.plot:not(.small)").nth(number).evaluate("each => each.id = 'looked-at'")
        labels = boxes(page, "#looked-at text")
        frame = page.locator("#looked-at").bounding_box()
        for place, label in enumerate(labels):
            assert frame["x"] - 1 <= label["left"]
            assert label["right"] <= frame["x"] + frame["width"] + 1
            assert not any(overlap(label, other) for other in labels[place + 1 :])
        page.locator("#looked-at").evaluate("each => each.removeAttribute('id')")


def test_the_keyboard_skips_to_the_claims_and_unfolds_evidence(open_page, html):
    page = open_page(html, viewport=DESK)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the claims"
    assert page.locator(".skip").first.bounding_box()["x"] >= 0
    evidence = page.locator("article", has_text="::faithful").locator("details")
    assert evidence.get_attribute("open") is None
    evidence.locator("summary").focus()
    page.keyboard.press("Enter")
    assert evidence.get_attribute("open") is not None
    assert evidence.get_by_text("recovered for BABA").is_visible()


def test_focus_can_be_seen(open_page, html):
    page = open_page(html)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"


def test_dark_mode_is_dark_and_paper_is_white(open_page, html):
    page = open_page(html, color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(20, 24, 29)"
    page.emulate_media(media="print")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"


def test_on_paper_everything_is_unfolded(open_page, html):
    page = open_page(html)
    page.emulate_media(media="print")
    assert page.get_by_text("recovered for BABA").is_visible()


def test_a_link_of_the_table_leads_to_its_claim(open_page, html):
    page = open_page(html, viewport=DESK)
    page.locator(".index").get_by_role("link", name="better-than-chance").click()
    top = page.locator("article", has_text="::better-than-chance").bounding_box()["y"]
    assert -1 <= top < DESK["height"]


def test_two_hundred_claims_open_within_a_second(open_page):
    samples = (BEHAVIOUR, REFUTED, UNDECIDED, REFUTED)
    claims = [claim(replace(samples[number % 4], claim=f"claim-{number}")) for number in range(200)]
    text = report_page(run(ioi(claims)))
    open_page("<!DOCTYPE html><title>warm</title>")
    started = time.perf_counter()
    page = open_page(text)
    seconds = time.perf_counter() - started
    assert page.locator("article").count() == 200
    assert seconds < 1.0 * CROWDED

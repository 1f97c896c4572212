"""The page as a browser shows it: at every width, in the dark, without JavaScript, by keyboard."""

from dataclasses import replace

import pytest
from crowded_run import crowded_run
from report_samples import FEATURES, claim, ioi, run
from verdict_samples import BEHAVIOUR

from circuitcheck.report.html.page import comparison_page, report_page

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
    plots = page.locator("article svg.plot:not(.small)")
    assert plots.count() == 9
    for number in range(plots.count()):
        plots.nth(number).evaluate("each => each.id = 'looked-at'")
        labels = boxes(page, "#looked-at text")
        frame = page.locator("#looked-at").bounding_box()
        for place, label in enumerate(labels):
            assert frame["x"] - 1 <= label["left"]
            assert label["right"] <= frame["x"] + frame["width"] + 1
            assert not any(overlap(label, other) for other in labels[place + 1 :])
        page.locator("#looked-at").evaluate("each => each.removeAttribute('id')")


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("estimate", [-0.99, 0.02, 0.31, 0.5, 0.69, 0.98])
def test_the_label_of_an_estimate_stays_inside_wherever_it_lies(open_page, viewport, estimate):
    part = BEHAVIOUR.parts[0]
    moved = replace(
        part, estimate=estimate, low=estimate - 0.0111, high=estimate + 0.0111, below=-1.0, above=1.0
    )
    page = open_page(report_page(run(ioi([claim(replace(BEHAVIOUR, parts=(moved,)))]))), viewport=viewport)
    frame = page.locator("article svg.plot").bounding_box()
    for label in boxes(page, "article svg.plot text"):
        assert frame["x"] - 1 <= label["left"]
        assert label["right"] <= frame["x"] + frame["width"] + 1


def test_the_points_of_a_strip_can_be_seen(open_page, html):
    page = open_page(html, viewport=DESK)
    strip = page.locator("svg.strip")
    style = strip.locator(".control").evaluate(
        "each => [getComputedStyle(each).strokeLinecap, getComputedStyle(each).vectorEffect]"
    )
    assert style == ["round", "non-scaling-stroke"]
    own = strip.locator(".mark.own").bounding_box()
    assert own["height"] > 20


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


def test_features_unfold_by_keyboard_and_show_where_they_fire(open_page, html):
    page = open_page(html, viewport=PHONE)
    feature = page.locator("details.feature", has_text="L2.tc/174")
    context = feature.get_by_text("went to the garden").first
    assert not context.is_visible()
    feature.locator("summary").focus()
    page.keyboard.press("Enter")
    assert context.is_visible()
    mark = feature.locator("mark").first
    assert mark.inner_text().startswith("John")
    assert mark.evaluate("each => getComputedStyle(each).borderBottomStyle") == "solid"


def test_the_table_of_nodes_leads_to_a_feature_and_the_feature_to_its_claim(open_page, html):
    page = open_page(html, viewport=DESK)
    page.get_by_text("Nodes and edges as a table").click()
    page.get_by_role("link", name="L2.tc/174").click()
    feature = page.locator("details.feature", has_text="L2.tc/174")
    assert -1 <= feature.bounding_box()["y"] < DESK["height"]
    feature.locator("summary").click()
    feature.get_by_role("link", name="better-than-chance").click()
    top = page.locator("article", has_text="::better-than-chance").bounding_box()["y"]
    assert -1 <= top < DESK["height"]


def test_a_word_leads_to_its_meaning_and_back(open_page, html):
    page = open_page(html, viewport=PHONE)
    page.locator("article a.word", has_text="reference set").first.click()
    meaning = page.get_by_text("further prompts of the same kind")
    assert -1 <= meaning.bounding_box()["y"] < PHONE["height"]
    page.go_back()
    assert not page.url.endswith("#word-reference")


def test_text_from_right_to_left_stays_in_its_place(open_page):
    context = (
        FEATURES[0]
        .contexts[0]
        .model_copy(update={"tokens": ["שלום", " עולם", " ab"], "firing": 1, "roles": {}})
    )
    features = [FEATURES[0].model_copy(update={"contexts": [context]})]
    page = open_page(report_page(run(ioi([claim(BEHAVIOUR)], features=features))), viewport=DESK)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    line = page.locator(".contexts li")
    prompt, number = line.locator("bdi").bounding_box(), line.locator(".numbers").bounding_box()
    assert prompt["x"] + prompt["width"] <= number["x"] + 1


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


def test_two_hundred_claims_with_features_and_controls_open_within_a_second(browser, tmp_path):
    """Of the time of the browser's process, because the machine may have other work to do."""
    path = tmp_path / "page.html"
    path.write_text(report_page(crowded_run()), encoding="utf-8")
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    assert page.locator("article").count() == 200
    assert page.locator("svg.strip").count() == 100
    context.close()
    assert 0 < metrics["ProcessTime"] < 1.0

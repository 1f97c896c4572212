"""Text can be told from its background, in the light and in the dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from importlib.resources import files

import pytest

STYLE = files("circuitcheck.report.html").joinpath("templates", "figures.css").read_text(encoding="utf-8")
LIGHT, DARK = (dict(re.findall(r"--([\w-]+): (#\w+)", part)) for part in STYLE.split("@media", 1))
TEXT, MARK = 4.5, 3.0
VERDICTS = ("supported", "refuted", "inconclusive", "measured", "error", "known")


def luminance(colour):
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_standard_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_all_text_can_be_read(colours):
    pairs = [("ink", "paper"), ("soft", "paper"), ("soft", "band"), ("ink", "band")]
    pairs += [("region-edge", "paper")]
    pairs += [(verdict, f"{verdict}-tint") for verdict in VERDICTS]
    pairs += [("ink", f"{verdict}-tint") for verdict in VERDICTS]
    for text, background in pairs:
        assert contrast(colours[text], colours[background]) >= TEXT, (text, background)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_marks_can_be_seen_on_the_plots(colours):
    for verdict in VERDICTS[:4]:
        for background in ("band", "region", "paper"):
            assert contrast(colours[verdict], colours[background]) >= MARK, (verdict, background)


def test_both_schemes_name_the_same_colours():
    assert set(LIGHT) == set(DARK)

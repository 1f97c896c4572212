"""One interval against its threshold, as SVG that is as wide as its place.

Horizontal places are percentages, so that the text keeps its size on a phone and on paper. The scale
holds zero, the interval and the thresholds, with a margin on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from circuitcheck.report.html.words import threshold_words
from circuitcheck.report.numerals import interval, numeral
from circuitcheck.report.results import PartRecord
from circuitcheck.report.svg import element
from circuitcheck.verdict import Part

LEFT, RIGHT = 3.0, 97.0
_TOP, _BOTTOM = 20, 44
_MIDDLE = (_TOP + _BOTTOM) / 2
_TICKS = 5
_NEAREST = 9.0
"""Percent of the width within which two labels would run into each other."""


_LEAST_WIDTH = 1e-12
"""A scale narrower than this would be drawn with rounding errors for ticks."""


@dataclass(frozen=True)
class Scale:
    """From numbers to percent of the width."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value is drawn; values off the scale at its end."""
        share = (value - self.low) / (self.high - self.low)
        return LEFT + min(max(share, 0.0), 1.0) * (RIGHT - LEFT)


def scale_of(parts: list[PartRecord]) -> Scale:
    """A scale that holds every number of the parts, and zero."""
    drawn = [
        value
        for part in parts
        for value in (part.estimate, part.low, part.high, part.below, part.above)
        if value is not None and math.isfinite(value)
    ]
    if all(0 <= value <= 1 for value in drawn):
        return Scale(0.0, 1.0)
    return scale_around(drawn)


def scale_around(values: Iterable[float]) -> Scale:
    """A scale that holds these finite numbers, and zero, with room beyond them."""
    drawn = [0.0, *values]
    low, high = min(drawn), max(drawn)
    if high - low < _LEAST_WIDTH:
        high = low + 1.0
    margin = 0.08 * (high - low)
    return Scale(low - margin if low < 0 else low, high + margin if high > 0 else high)


def interval_plot(part: PartRecord, width: str = "100%") -> Markup:
    """The plot with its labels; "" where there is no number to draw."""
    if part.estimate is None:
        return Markup("")
    scale = scale_of([part])
    return element(
        "svg",
        *_region(part, scale),
        element("line", x1=f"{LEFT}%", x2=f"{RIGHT}%", y1=_BOTTOM, y2=_BOTTOM, class_="axis"),
        *_axis_labels(part, scale),
        *_whisker(part, scale, _MIDDLE),
        _estimate_label(part, scale),
        xmlns="http://www.w3.org/2000/svg",
        class_="plot",
        width=width,
        height=64,
        role="img",
        aria_label=spoken(part),
    )


def small_plot(part: PartRecord, scale: Scale) -> Markup:
    """The same without labels, for the rows of a table that gives the numbers."""
    if part.estimate is None:
        return Markup("")
    return element(
        "svg",
        *_region(part, scale, top=2, height=18),
        *_whisker(part, scale, 11.0, radius=3.5),
        xmlns="http://www.w3.org/2000/svg",
        class_="plot small",
        width="100%",
        height=22,
        role="img",
        aria_label=spoken(part),
    )


def spoken(part: PartRecord) -> str:
    """The plot in words."""
    claimed = "" if part.outcome == "measured" else f"; claimed: {threshold_words(part)}"
    bounds = interval(as_part(part))
    between = f", interval {bounds}" if bounds else ""
    return f"{part.quantity} {numeral(part.estimate)}{between}{claimed}"


def as_part(record: PartRecord) -> Part:
    """The part as the functions of the terminal take it; a missing p-value is no evidence, which is 1."""
    missing = {name: 1.0 for name in ("p_support", "p_refute") if getattr(record, name) is None}
    return Part(**record.model_dump() | missing)


def _region(part: PartRecord, scale: Scale, top: int = _TOP, height: int = _BOTTOM - _TOP) -> list[Markup]:
    """Everywhere on the scale, and shaded where the claim holds."""
    start = LEFT if part.below is None else scale.at(part.below)
    end = RIGHT if part.above is None else scale.at(part.above)
    band = element("rect", x=f"{LEFT}%", width=f"{RIGHT - LEFT}%", y=top, height=height, class_="elsewhere")
    if part.below is None and part.above is None:
        return [band]
    width = max(end - start, 0.4)
    region = element("rect", x=f"{start:.2f}%", width=f"{width:.2f}%", y=top, height=height, class_="holds")
    edges = [
        element("line", x1=x, x2=x, y1=top - 2, y2=top + height + 2, class_="threshold")
        for value in (part.below, part.above)
        if value is not None
        for x in [f"{scale.at(value):.2f}%"]
    ]
    return [band, region, *edges]


def _whisker(part: PartRecord, scale: Scale, y: float, radius: float = 5.0) -> list[Markup]:
    """The interval with a cap at each closed end, and a dot on the estimate."""
    assert part.estimate is not None, "only estimates are drawn"
    drawn = []
    if part.low is not None or part.high is not None:
        start = LEFT if part.low is None else scale.at(part.low)
        end = RIGHT if part.high is None else scale.at(part.high)
        drawn.append(
            element(
                "line", x1=f"{start:.2f}%", x2=f"{end:.2f}%", y1=y, y2=y, class_=f"interval {part.outcome}"
            )
        )
        for value, at in ((part.low, start), (part.high, end)):
            if value is not None:
                x = f"{at:.2f}%"
                drawn.append(
                    element("line", x1=x, x2=x, y1=y - 6, y2=y + 6, class_=f"interval {part.outcome}")
                )
    dot = element(
        "circle", cx=f"{scale.at(part.estimate):.2f}%", cy=y, r=radius, class_=f"dot {part.outcome}"
    )
    return [*drawn, dot]


def _estimate_label(part: PartRecord, scale: Scale) -> Markup:
    at = scale.at(part.estimate or 0.0)
    text = " ".join(filter(None, (numeral(part.estimate), interval(as_part(part)))))
    return element("text", text, x=f"{at:.2f}%", y=13, text_anchor=anchor(at, margin=31), class_="number")


def _axis_labels(part: PartRecord, scale: Scale) -> list[Markup]:
    """Thresholds first, in bold; round numbers wherever there is room beside them."""
    labels, taken = [], list[float]()
    bounds = [(value, "number bound") for value in (part.below, part.above) if value is not None]
    for value, kind in [*bounds, *((tick, "number") for tick in ticks(scale))]:
        at = scale.at(value)
        if all(abs(at - other) >= _NEAREST for other in taken):
            taken.append(at)
            labels.append(
                element(
                    "text", f"{value:g}", x=f"{at:.2f}%", y=59, text_anchor=anchor(at, margin=4), class_=kind
                )
            )
    return labels


def anchor(at: float, margin: float) -> str:
    """Which end of a label stands at a place: the outer one within `margin` percent of an end."""
    if at < LEFT + margin:
        return "start"
    return "end" if at > RIGHT - margin else "middle"


def ticks(scale: Scale) -> list[float]:
    """At most a handful of round numbers on the scale."""
    raw = (scale.high - scale.low) / _TICKS
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw)
    first = math.ceil(scale.low / step)
    return [round(number * step, 12) for number in range(first, math.floor(scale.high / step) + 1)]

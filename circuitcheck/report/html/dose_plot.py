"""A dose-response as SVG: the mean effect with its interval at each coefficient of a `steer` claim.

Horizontal places are percentages, as in `interval_plot`; heights are pixels. One line for each slice of the claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from markupsafe import Markup

from circuitcheck.report.html.interval_plot import LEFT, RIGHT, Scale, scale_around, ticks
from circuitcheck.report.numerals import numeral
from circuitcheck.report.results import ClaimRecord, PartRecord
from circuitcheck.report.svg import element

_NEUTRAL = {"add": 0.0, "scale": 1.0}
_HOWS = ("add", "scale", "set")
_TOP, _BOTTOM = 12, 132
_INSET = 8.0
"""Percent of the width that the outermost coefficients stand off, where labels of the vertical axis are."""


@dataclass(frozen=True)
class _Point:
    """The effect at one coefficient, on one slice of the prompts; no part where nothing was done."""

    series: str
    coefficient: float
    part: PartRecord | None

    @property
    def estimate(self) -> float:
        """What was measured; 0 where nothing was done."""
        return 0.0 if self.part is None else self.part.estimate or 0.0

    @property
    def ends(self) -> tuple[float, float]:
        """The interval, or the estimate twice where an end is open."""
        low, high = (self.part.low, self.part.high) if self.part else (None, None)
        return self.estimate if low is None else low, self.estimate if high is None else high


@dataclass(frozen=True)
class _Frame:
    """From coefficients to percent of the width, from effects to pixels from the top."""

    across: Scale
    up: Scale

    def x(self, coefficient: float) -> str:
        """Where a coefficient is drawn."""
        share = (self.across.at(coefficient) - LEFT) / (RIGHT - LEFT)
        return f"{LEFT + _INSET + share * (RIGHT - LEFT - 1.5 * _INSET):.2f}%"

    def y(self, effect: float) -> float:
        """How far down an effect is drawn."""
        return _BOTTOM - (_BOTTOM - _TOP) * (self.up.at(effect) - LEFT) / (RIGHT - LEFT)


def dose_plot(record: ClaimRecord, width: str = "100%") -> Markup:
    """The plot; "" where there are no two coefficients."""
    points = _points(record)
    coefficients = sorted({point.coefficient for point in points})
    if len(coefficients) < 2:
        return Markup("")
    up = scale_around([value for point in points for value in (point.estimate, *point.ends)])
    frame = _Frame(Scale(coefficients[0], coefficients[-1]), up)
    return element(
        "svg",
        *_axes(frame, coefficients),
        _label(_how(record), f"{LEFT}%", _BOTTOM + 20, "start"),
        *(
            drawn
            for _, series in groupby(points, lambda point: point.series)
            for drawn in _line(list(series), frame)
        ),
        xmlns="http://www.w3.org/2000/svg",
        class_="plot dose",
        width=width,
        height=_BOTTOM + 26,
        role="img",
        aria_label=_spoken(record, points),
    )


def _points(record: ClaimRecord) -> list[_Point]:
    """Sorted by slice, then coefficient; the coefficient that leaves all as it is has no effect to be measured."""
    how = _how(record)
    given = [float(number) for number in record.written.get(how, ())]
    by_label = {f"{how} {number:g}": number for number in given}
    found = []
    for part in record.parts:
        label, _, series = part.slice.partition(", ")
        if part.quantity == "effect" and label in by_label and part.estimate is not None:
            found.append(_Point(series, by_label[label], part))
    if _NEUTRAL.get(how) in given:
        found += [_Point(series, _NEUTRAL[how], None) for series in {point.series for point in found}]
    return sorted(found, key=lambda point: (point.series, point.coefficient))


def _how(record: ClaimRecord) -> str:
    """The key of the claim's coefficients; "" for claims of other verbs."""
    return next((how for how in _HOWS if how in record.written), "")


def _axes(frame: _Frame, coefficients: Sequence[float]) -> list[Markup]:
    """A line at each round effect, the one at 0 in full, and a label under each coefficient."""
    lines = (_line_at(effect, frame) for effect in ticks(frame.up))
    return [
        *(part for line in lines for part in line),
        *(_label(f"{number:g}", frame.x(number), _BOTTOM + 20, "middle") for number in coefficients),
    ]


def _line_at(effect: float, frame: _Frame) -> tuple[Markup, Markup]:
    y, style = frame.y(effect), "axis" if effect == 0 else "grid"
    line = element("line", x1=f"{LEFT + _INSET / 2}%", x2=f"{RIGHT}%", y1=y, y2=y, class_=style)
    return line, _label(f"{effect:g}", f"{LEFT}%", y + 4, "start")


def _label(text: str, x: str, y: float, anchored: str) -> Markup:
    return element("text", text, x=x, y=y, text_anchor=anchored, class_="number")


def _line(points: Sequence[_Point], frame: _Frame) -> list[Markup]:
    """One slice: a line through its estimates, an interval and a dot at each."""
    joins = [
        element(
            "line",
            x1=frame.x(one.coefficient),
            y1=frame.y(one.estimate),
            x2=frame.x(other.coefficient),
            y2=frame.y(other.estimate),
            class_="join",
        )
        for one, other in pairwise(points)
    ]
    return [*joins, *(mark for point in points for mark in _marks(point, frame))]


def _marks(point: _Point, frame: _Frame) -> list[Markup]:
    x, (low, high) = frame.x(point.coefficient), point.ends
    outcome = point.part.outcome if point.part else "measured"
    said = f"{numeral(point.estimate)} at {point.coefficient:g}{f', {point.series}' if point.series else ''}"
    return [
        element("line", x1=x, x2=x, y1=frame.y(low), y2=frame.y(high), class_=f"interval {outcome}"),
        element(
            "circle", element("title", said), cx=x, cy=frame.y(point.estimate), r=4.5, class_=f"dot {outcome}"
        ),
    ]


def _spoken(record: ClaimRecord, points: Sequence[_Point]) -> str:
    """The plot in words."""
    how = _how(record)
    said = (
        f"{numeral(point.estimate)} at {how} {point.coefficient:g}{f' for {point.series}' if point.series else ''}"
        for point in points
    )
    return f"effect by coefficient: {'; '.join(said)}"

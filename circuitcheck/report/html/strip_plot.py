"""The effects of controls as a strip of dots, with the claim's own effect among or beside them, as SVG.

Each label has a line of its own, so that none covers another however close their numbers are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from circuitcheck.report.html.interval_plot import LEFT, RIGHT, Scale, anchor, scale_around, ticks
from circuitcheck.report.numerals import numeral
from circuitcheck.report.svg import element
from circuitcheck.report.wording import required_effect
from circuitcheck.verdict import Controls

_LINE = 16
"""Height of a line of labels."""
_ROW = 6
_MOST_ROWS = 8
_NEAREST = 1.1
"""Percent of the width that dots of one row keep apart, as far as rows are left."""
_UNITS = 1000
"""Width of the dots' own coordinates, which are stretched to the width of the strip."""


def strip_plot(controls: Controls, width: str = "100%") -> Markup:
    """The plot; "" where there are no two controls to draw."""
    effects = [effect for effect in controls.effects if math.isfinite(effect)]
    if len(effects) < 2 or not math.isfinite(controls.effect):
        return Markup("")
    marks = _marks(controls)
    scale = scale_around([*effects, *(value for value, _, _ in marks)])
    dots, rows = _dots(effects, scale)
    top = _LINE * len(marks) + 6
    bottom = top + _ROW * rows + 6
    return element(
        "svg",
        element(
            "rect", x=f"{LEFT}%", width=f"{RIGHT - LEFT}%", y=top, height=bottom - top, class_="elsewhere"
        ),
        element(
            "svg",
            element("path", d=dots, class_="control", vector_effect="non-scaling-stroke"),
            x=f"{LEFT}%",
            width=f"{RIGHT - LEFT}%",
            y=top + 6,
            height=_ROW * rows,
            viewBox=f"0 0 {_UNITS} {_ROW * rows}",
            preserveAspectRatio="none",
        ),
        *(part for number, mark in enumerate(marks) for part in _mark(*mark, scale, number, bottom)),
        element("line", x1=f"{LEFT}%", x2=f"{RIGHT}%", y1=bottom, y2=bottom, class_="axis"),
        *_axis_labels(scale, bottom),
        xmlns="http://www.w3.org/2000/svg",
        class_="plot strip",
        width=width,
        height=bottom + 20,
        role="img",
        aria_label=_spoken(controls),
    )


def _marks(controls: Controls) -> list[tuple[float, str, str]]:
    """What is marked: value, label, style; the claim's own effect on top."""
    marks = [(controls.effect, f"this claim {numeral(controls.effect)}", f"own {controls.outcome}")]
    if all(map(math.isfinite, controls.effects)):
        needed = required_effect(controls)
        marks.append((needed, f"to beat: {numeral(needed)} ({100 * controls.required:g}%)", "needed"))
    if controls.error_effect is not None and math.isfinite(controls.error_effect):
        marks.append((controls.error_effect, f"errors alone {numeral(controls.error_effect)}", "errors"))
    return marks


def _dots(effects: Sequence[float], scale: Scale) -> tuple[str, int]:
    """A path of points, stacked where they would cover each other, and the number of rows they take."""
    ends = list[float]()
    placed = list[tuple[float, int]]()
    for effect in sorted(effects):
        at = scale.at(effect)
        free = next((row for row, end in enumerate(ends) if at - end >= _NEAREST), len(ends))
        row = free if free < _MOST_ROWS else len(placed) % _MOST_ROWS
        ends[row : row + 1] = [at]
        placed.append((at, row))
    rows = len(ends)
    stretch = _UNITS / (RIGHT - LEFT)
    points = (f"M{(at - LEFT) * stretch:.0f},{_ROW * (rows - row) - _ROW / 2:.0f}h0" for at, row in placed)
    return "".join(points), rows


def _mark(value: float, label: str, style: str, scale: Scale, line: int, bottom: int) -> list[Markup]:
    at = scale.at(value)
    x, y = f"{at:.2f}%", _LINE * line + 12
    return [
        element("line", x1=x, x2=x, y1=y + 3, y2=bottom, class_=f"mark {style}"),
        element(
            "text",
            label,
            x=x,
            y=y,
            text_anchor=anchor(at, margin=33),
            paint_order="stroke",
            class_=f"number {style} halo",
        ),
    ]


def _axis_labels(scale: Scale, bottom: int) -> list[Markup]:
    return [
        element(
            "text",
            f"{value:g}",
            x=f"{scale.at(value):.2f}%",
            y=bottom + 15,
            text_anchor=anchor(scale.at(value), margin=4),
            class_="number",
        )
        for value in ticks(scale)
    ]


def _spoken(controls: Controls) -> str:
    number = len(controls.effects)
    return (
        f"{number} dots, the {controls.quantity} of each control; this claim's is {numeral(controls.effect)}, "
        f"beyond {round(controls.beaten * number)} of them"
    )

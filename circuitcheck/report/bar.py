"""The interval drawn against what was expected, on one line of text."""

from __future__ import annotations

import math

from circuitcheck.verdict import Part

WIDTH = 48
_FREE = frozenset(" -")


def interval_bar(part: Part, width: int = WIDTH) -> str:
    """`0 |------------|0.3      [===*===]       | 1`; "" where there is no number to draw.

    Dashes are the expected range, `[===*===]` the interval with the estimate, `<` and `>` its open
    ends. The axis holds zero and every number drawn, and reaches to one where all of them lie
    between zero and one.
    """
    if part.estimate is None or not math.isfinite(part.estimate):
        return ""
    low, high = _axis(part)
    canvas = [" "] * width

    def column(value: float) -> int:
        return round((min(max(value, low), high) - low) / (high - low) * (width - 1))

    _draw_expected(canvas, part, column(_or(part.below, low)), column(_or(part.above, high)))
    _draw_interval(canvas, part, column(_or(part.low, low)), column(_or(part.high, high)))
    for threshold in (part.above, part.below):
        if threshold is not None and column(threshold) > 0:
            _draw_mark(canvas, column(threshold), f"{threshold:.3g}")
    canvas[column(part.estimate)] = "*"
    return f"{low:.3g} |{''.join(canvas)}| {high:.3g}"


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None or not math.isfinite(value) else value


def _axis(part: Part) -> tuple[float, float]:
    drawn = [part.estimate, part.low, part.high, part.below, part.above]
    numbers = [0.0, *(number for number in drawn if number is not None and math.isfinite(number))]
    low, high = min(numbers), max(numbers)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    # Room beyond the last mark shows that an open range goes on.
    margin = 0.1 * (high - low)
    return (low - margin if low < 0 else low), (high + margin if high > 0 else high)


def _draw_expected(canvas: list[str], part: Part, start: int, end: int) -> None:
    if part.below is not None or part.above is not None:
        canvas[start : end + 1] = "-" * (end + 1 - start)


def _draw_interval(canvas: list[str], part: Part, start: int, end: int) -> None:
    if part.low is None and part.high is None:
        return
    canvas[start : end + 1] = "=" * (end + 1 - start)
    canvas[start] = "[" if part.low is not None else "<"
    canvas[end] = "]" if part.high is not None else ">"


def _draw_mark(canvas: list[str], at: int, text: str) -> None:
    """A threshold: `|`, with its number to the right or the left, wherever nothing is drawn yet."""
    if canvas[at] in "[]<>":
        return  # the interval ends here; the heading names the number
    canvas[at] = "|"
    for start in (at + 1, at - len(text)):
        cells = canvas[start : start + len(text)] if start >= 0 else []
        if len(cells) == len(text) and _FREE.issuperset(cells):
            canvas[start : start + len(text)] = text
            return

"""How reports write numbers: three significant digits, and never a made-up zero."""

from __future__ import annotations

import math

from circuitcheck.verdict import Part

MISSING = "not measured"


def numeral(value: float | None) -> str:
    """Three significant digits (3.56, 0.412, 98.0, 1200); words where there is no finite number."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    size = abs(value)
    if size >= 100 or value == 0:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 1:
        return f"{value:.2f}"
    # Below a thousandth, three decimals would print a small effect as none.
    return f"{value:.3f}" if size >= 0.001 else f"{value:.1g}"


def interval(part: Part) -> str:
    """`[0.371, 0.455]`, with `-inf` or `inf` where the interval is open; "" without one."""
    if part.low is None and part.high is None:
        return ""
    low = "-inf" if part.low is None else numeral(part.low)
    high = "inf" if part.high is None else numeral(part.high)
    return f"[{low}, {high}]"


def measured(part: Part) -> str:
    """`drop 0.412 [0.371, 0.455]`."""
    return " ".join(filter(None, (part.quantity, numeral(part.estimate), interval(part))))

"""How far one quantity moved between two runs on the same prompts, by a paired test.

With q the quantity of a run and u_i = (N_i - q D_i) / mean(D) what prompt i adds to its error, the mean of
e_i = q' - q + u'_i - u_i is the change q' - q, and its spread is that of the change, since what a prompt does to
both runs cancels. So the test of `circuitcheck.statistics` on e holds the change against a margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from circuitcheck.baseline.pairing import PairedPart
from circuitcheck.statistics import Evidence, Interval, Sample, judge, needed_prompts
from circuitcheck.statistics.sample import Floats
from circuitcheck.thresholds import Threshold

SAME_DEVICE, OTHER_DEVICE = 1e-4, 1e-3
"""How far a prompt's numbers may be apart, as a share of their size, to count as identical."""
_ANYTHING = Threshold(None, None, "?")


@dataclass(frozen=True)
class Change:
    """One part in two runs.

    Attributes:
        before: The quantity in the baseline, on the prompts that both runs have.
        interval: Of the change; None where there is none.
        margin: How far the quantity may move, in its own unit.
        p_outside: One-sided p-value of "it moved beyond the margin"; `p_inside` of the opposite.
        reason: Why nothing can be told; "" where something can.
        needed: How many prompts would probably tell; "" where that is not the matter.
        cells: The part of each (template, order) in the change, largest first: their mean is the change.
    """

    quantity: str
    slice: str
    before: float
    after: float
    n: int
    margin: float
    interval: Interval | None = None
    p_outside: float = 1.0
    p_inside: float = 1.0
    is_identical: bool = False
    reason: str = ""
    needed: str = ""
    cells: tuple[tuple[str, float], ...] = ()

    @property
    def size(self) -> float:
        """The change; above zero where the quantity rose."""
        return self.after - self.before


def change_of(paired: PairedPart, share: float, alpha_side: float, *, same_device: bool) -> Change:
    """The change of one part; `share` is the margin as a share of the part's unit (1 for ratios)."""
    before, after = paired.before, paired.after
    margin = share * paired.kept.unit
    change = Change(
        quantity=paired.part.quantity,
        slice=paired.part.slice,
        before=before.estimate,
        after=after.estimate,
        n=before.n,
        margin=margin,
    )
    if _agree(before, after, SAME_DEVICE if same_device else OTHER_DEVICE):
        return replace(change, p_inside=0.0, is_identical=True)
    in_baseline = _no_denominator(before, "the baseline", alpha_side)
    if reason := in_baseline or _no_denominator(after, "this run", alpha_side):
        return replace(change, reason=reason)
    return _tested(change, difference_sample(before, after), paired.cells, alpha_side)


def difference_sample(before: Sample, after: Sample) -> Sample:
    """What each prompt adds to the change: e of the module's docstring."""
    change = after.estimate - before.estimate
    limits = None
    if before.limits is not None and before.denominator is None:
        width = before.limits[1] - before.limits[0]
        limits = (-width, width)
    size = max(np.abs(each.numerator).max() / abs(each.denominator_mean) for each in (before, after))
    return Sample(change + _error(after) - _error(before), None, before.strata, limits, magnitude=float(size))


def _tested(change: Change, differences: Sample, cells: tuple[str, ...], alpha_side: float) -> Change:
    found = judge(differences, _within(change.margin), alpha_side)
    return replace(
        change,
        interval=found.interval,
        p_outside=found.p_refute,
        p_inside=found.p_support,
        reason=found.reason or "",
        needed=_needed(differences, found, change.margin, alpha_side),
        cells=cell_changes(differences.numerator, cells),
    )


def cell_changes(differences: Floats, cells: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Mean difference of each cell, the largest first."""
    names = np.array(cells)
    means = {str(name): float(differences[names == name].mean()) for name in sorted(set(cells))}
    return tuple(sorted(means.items(), key=lambda cell: -abs(cell[1])))


def _error(sample: Sample) -> Floats:
    return (sample.numerator - sample.estimate * sample.divisor) / sample.denominator_mean


def _agree(before: Sample, after: Sample, tolerance: float) -> bool:
    """Whether every prompt has the same numbers, up to what other hardware makes of them."""
    columns = [before.numerator] if before.denominator is None else [before.numerator, before.denominator]
    size = tolerance * max(float(np.abs(column).mean()) for column in columns)
    return all(
        np.allclose(old, new, rtol=tolerance, atol=size)
        for old, new in ((before.numerator, after.numerator), (before.divisor, after.divisor))
    )


def _no_denominator(sample: Sample, run: str, alpha_side: float) -> str:
    """Why a run's ratio is no number to compare; "" where it is."""
    if sample.denominator is None:
        return ""
    reason = judge(sample, _ANYTHING, alpha_side).reason
    return f"in {run} {reason}" if reason else ""


def _within(margin: float) -> Threshold:
    return Threshold(-margin, margin, f"between {-margin:g} and {margin:g}")


def _needed(differences: Sample, found: Evidence, margin: float, alpha_side: float) -> str:
    if found.reason or min(found.p_support, found.p_refute) <= alpha_side or not math.isfinite(margin):
        return ""
    forecast = needed_prompts(differences, _within(margin), alpha_side)
    return f"{forecast} prompts would probably tell" if forecast else ""

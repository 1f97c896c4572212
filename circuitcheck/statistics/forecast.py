"""How many prompts would probably settle what a sample left open, and what a sample could have seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from circuitcheck.statistics.mean import COMMON
from circuitcheck.statistics.moments import moments
from circuitcheck.statistics.quantity import is_exact
from circuitcheck.statistics.sample import Sample, Unit
from circuitcheck.statistics.templates import LEAST_TEMPLATES
from circuitcheck.thresholds import Threshold

POWER = 0.8
_TENTH = 1.28
"""Standard errors by which a tenth of all estimates fall short on one side."""
_HOPELESS = 64


@dataclass(frozen=True)
class Forecast:
    """Prompts in all, not on top of those measured. It has no upper end: the estimate may be the threshold.

    Attributes:
        needed: Prompts that settle it with probability `POWER` if the estimate is right.
        at_least: The same if the estimate is a tenth-percentile miss in the favourable direction.
        unit: What is counted. Where it is templates, more prompts do not help.
    """

    needed: float
    at_least: float
    unit: Unit = "prompts"

    def is_hopeless(self, budget: int) -> bool:
        """Whether the value is so near its threshold that it may never be settled."""
        return self.needed > _HOPELESS * budget

    def __str__(self) -> str:
        """Rounded to the digit it deserves: "about 1000, at least 500"."""
        if not math.isfinite(self.needed):
            return f"at least {one_digit(self.at_least)}"
        about, at_least = one_digit(self.needed), one_digit(self.at_least)
        return f"about {about}" if about == at_least else f"about {about}, at least {at_least}"

    @property
    def advice(self) -> str:
        """What to do, as a sentence without its full stop."""
        if self.unit == "templates":
            return f"{self} templates would probably settle it; more prompts will not help"
        return f"{self} prompts would probably settle it"


def one_digit(count: float) -> str:
    """A count of prompts with one significant digit: 1227 is "1000"."""
    if count < 1:
        return "1"
    unit = 10 ** math.floor(math.log10(count))
    return str(round(count / unit) * unit)


def needed_prompts(sample: Sample, threshold: Threshold, alpha_side: float) -> Forecast | None:
    """Prompts that would probably settle a claim which this sample left open.

    From the distance of the estimate to the nearest bound of the threshold, by the normal approximation
    n = ((z(1 - alpha) + z(power)) sd / distance)^2; for a ratio, at least what shows its denominator above zero. Never fewer than twice
    what was not enough: at a power of 0.8 no undecided mean needs less. Of template means, it is the smallest
    number of templates with t(1 - alpha, G - 1) + z(power) <= sqrt(G) distance / sd.

    Args:
        sample: What was measured, and did not settle it.
        threshold: What is claimed.
        alpha_side: Error level of the side that is to be shown; for a refutation, Holm's.

    Returns:
        None where there is nothing to go by: nothing is judged, or the denominator is not above zero.
    """
    if not sample.is_mean:
        return None
    sample = sample.judged
    if not threshold.bounds or sample.counts.min() < 2 or sample.denominator_mean <= 0:
        return None
    forecast = max(
        (_needed_at(sample, bound, alpha_side) for bound in threshold.bounds), key=lambda found: found.needed
    )
    denominator = sample.as_denominator()
    if denominator is not None and not is_exact(denominator):
        gate = _needed_at(denominator, 0.0, alpha_side)
        forecast = Forecast(max(forecast.needed, gate.needed), max(forecast.at_least, gate.at_least))
    # A few templates more lower Student's quantile as well: twice as many are not always needed.
    floor = sample.n + 1.0 if sample.unit == "templates" else 2.0 * sample.n
    return Forecast(max(forecast.needed, floor), max(forecast.at_least, sample.n + 1.0), sample.unit)


def minimum_detectable_effect(
    sample: Sample, bound: float, alpha_side: float, n: int | None = None
) -> float | None:
    """How far from a bound the quantity must lie to be told from it with probability `POWER`, in its own unit.

    Args:
        sample: Where the spread of single prompts comes from.
        bound: The threshold.
        alpha_side: Error level of one side.
        n: Number of prompts (or templates); default: as many as the sample has.

    Returns:
        None where the sample has no spread to go by, or the denominator is not above zero.
    """
    divisor = sample.denominator_mean
    if divisor <= 0 or sample.counts.min() < 2 or (_is_unanimous(sample) and not sample.rate):
        return None
    size = sample.n if n is None else n
    return _reach(sample.unit, alpha_side, size) * _spread(sample, bound) / math.sqrt(size) / divisor


def prompts_for_unanimity(
    value: float, bound: float, limits: tuple[float, float] | None, alpha_side: float
) -> float:
    """Prompts that must all show `value` to put the mean on that side of `bound`.

    With a range, the exceptions that would hide the opposite are as rare as the range is wide: for a rate,
    log(alpha) / log(t). Without one, unanimity proves what `COMMON` prompts do.
    """
    share = COMMON
    if limits is not None:
        end = limits[0] if value > bound else limits[1]
        share = (bound - end) / (value - end) if value != end else 1.0
    if value == bound or share >= 1:
        return math.inf
    return math.ceil(math.log(alpha_side) / math.log(share)) if share > 0 else 1.0


def _is_unanimous(sample: Sample) -> bool:
    return sample.estimate in (0.0, 1.0) if sample.rate else moments(sample).is_flat


def _needed_at(sample: Sample, bound: float, alpha_side: float) -> Forecast:
    if _is_unanimous(sample):
        limits = (0.0, 1.0) if sample.rate else sample.limits if is_exact(sample) else None
        if sample.denominator is not None:
            limits = None
        settled = float(prompts_for_unanimity(sample.estimate, bound, limits, alpha_side))
        return Forecast(settled, min(settled, sample.n + 1.0))
    if sample.rate:
        return _needed_for_rate(sample, bound, alpha_side)
    distance = abs(sample.estimate - bound) * sample.denominator_mean / _spread(sample, bound)
    at_best = distance + _TENTH / math.sqrt(sample.n)
    return Forecast(
        _number(sample.unit, alpha_side, distance), _number(sample.unit, alpha_side, at_best), sample.unit
    )


def _reach(unit: Unit, alpha_side: float, n: float) -> float:
    """Standard errors of a mean of n that are seen with probability `POWER`."""
    quantile = stdtrit(n - 1, 1 - alpha_side) if unit == "templates" else ndtri(1 - alpha_side)
    return float(quantile + ndtri(POWER))


def _number(unit: Unit, alpha_side: float, distance: float) -> float:
    """How many it takes to see a distance, which is in standard deviations of one of them."""
    if distance <= 0:
        return math.inf
    normal = (_reach("prompts", alpha_side, 0) / distance) ** 2
    if unit == "prompts":
        return normal
    number = max(LEAST_TEMPLATES, math.ceil(normal))
    while _reach("templates", alpha_side, number) > math.sqrt(number) * distance:
        number += 1
    return float(number)


def _needed_for_rate(sample: Sample, bound: float, alpha_side: float) -> Forecast:
    rate = sample.estimate
    miss = _TENTH * math.sqrt(rate * (1 - rate) / sample.n)
    better = min(rate + miss, 1.0) if rate >= bound else max(rate - miss, 0.0)

    def needed(at: float) -> float:
        spread = ndtri(1 - alpha_side) * _binary_spread(bound) + ndtri(POWER) * _binary_spread(at)
        return float((spread / (at - bound)) ** 2) if at != bound else math.inf

    return Forecast(needed(rate), needed(better))


def _spread(sample: Sample, bound: float) -> float:
    """Standard deviation of one prompt's N - t D, within strata."""
    if sample.rate:
        return _binary_spread(bound)
    return math.sqrt(sample.n * float(moments(sample).at(np.array([bound]))[1][0]))


def _binary_spread(rate: float) -> float:
    inside = min(max(rate, 0.0), 1.0)
    return math.sqrt(inside * (1 - inside))

"""The numbers behind one quantity, one row per prompt pair; what every test of this package takes in."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Method = Literal["auto", "bounded"]
Unit = Literal["prompts", "templates"]

FLAT = 1e-5
"""A spread below this share of the values' size is float noise, not variance."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Per-prompt numbers of a quantity q = mean(numerator) / mean(denominator).

    Without a denominator q is the plain mean. Every mean is a mean of stratum means: the strata are the
    (template, order) cells as written, of equal weight whatever their counts, and the verdict is about
    their prompts. A verdict about templates like these takes template means in one stratum instead, which
    `over_templates` makes; read "template" for "prompt" then.

    Attributes:
        numerator: One number per prompt, shape (n,).
        denominator: What the numerator is a share of, shape (n,), or None.
        strata: A label per prompt, shape (n,). Prompts are independent draws within their stratum.
        limits: The range that a prompt's numerator cannot leave, if it has one.
        rate: The numerator is 0 or 1 and q a share of prompts; tested exactly.
        method: "auto" takes the bounded test only for tied values of known range; "bounded" insists.
        denominator_limits: The range that a prompt's denominator cannot leave, if it has one.
        magnitude: The size of the numbers whose difference the numerator is, where known: a spread
            below `FLAT` of it is float noise.
        unit: What one number is of, and what the n are drawn from.

    Raises:
        ValueError: NaN or infinite values, shapes that differ, values outside their limits.
    """

    numerator: Floats
    denominator: Floats | None
    strata: NDArray[np.int_]
    limits: tuple[float, float] | None = None
    rate: bool = False
    method: Method = "auto"
    denominator_limits: tuple[float, float] | None = None
    magnitude: float = 0.0
    unit: Unit = "prompts"

    def __post_init__(self) -> None:
        _check_values("numerator", self.numerator, self.limits)
        if self.denominator is not None:
            _check_values("denominator", self.denominator, self.denominator_limits)
        for name, values in (("denominator", self.denominator), ("strata", self.strata)):
            if values is not None and values.shape != self.numerator.shape:
                message = f"the {name} has shape {values.shape}, the numerator {self.numerator.shape}."
                raise ValueError(message)
        if self.rate and (self.denominator is not None or not np.isin(self.numerator, (0.0, 1.0)).all()):
            message = "a rate is made of zeros and ones and has no denominator."
            raise ValueError(message)
        if self.method == "bounded" and not (self.rate or self.has_range):
            message = "the bounded method needs the limits of the values, and of their denominator if any."
            raise ValueError(message)

    @property
    def n(self) -> int:
        """Number of prompts (or templates: see `unit`)."""
        return len(self.numerator)

    @property
    def judged(self) -> Sample:
        """What is tested in its place: itself, unless a verdict is about another population than these prompts."""
        return self

    @property
    def is_mean(self) -> bool:
        """Whether q is made of means, so that each prompt has a part in it and it is known how more would sharpen it."""
        return True

    def on(self, rows: NDArray[np.bool_]) -> Self:
        """The sample on some of its prompts; `rows` has shape (n,)."""
        denominator = None if self.denominator is None else self.denominator[rows]
        return replace(
            self, numerator=self.numerator[rows], denominator=denominator, strata=self.strata[rows]
        )

    @cached_property
    def estimate(self) -> float:
        """The value of q in this sample; NaN where the denominator's mean is exactly zero."""
        return self.mean_of(self.numerator) / (self.denominator_mean or math.nan)

    @cached_property
    def denominator_mean(self) -> float:
        """Mean of the denominator; 1 where there is none."""
        return 1.0 if self.denominator is None else self.mean_of(self.denominator)

    @property
    def divisor(self) -> Floats:
        """The denominator per prompt; ones where there is none."""
        return np.ones(self.n) if self.denominator is None else self.denominator

    @cached_property
    def cells(self) -> NDArray[np.intp]:
        """The stratum of each prompt as 0..S-1, shape (n,)."""
        if self.strata.min() >= 0 and self.strata.max() < self.n and np.bincount(self.strata).all():
            return self.strata.astype(np.intp)  # they are numbered so already
        return np.unique(self.strata, return_inverse=True)[1]

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """Prompts per stratum, shape (S,)."""
        return np.bincount(self.cells)

    def mean_of(self, values: Floats) -> float:
        """Mean over strata of the stratum means of one number per prompt."""
        return float(np.mean(np.bincount(self.cells, weights=values) / self.counts))

    @property
    def has_range(self) -> bool:
        """Whether the values cannot leave a known range."""
        return self.limits is not None and (self.denominator is None or self.denominator_limits is not None)

    @cached_property
    def is_tied(self) -> bool:
        """Whether numerator - t * denominator takes one value on more than half the prompts, for some t.

        One value in all, or one in each stratum: a spread within strata that is next to nothing says as little about
        rare exceptions. With a denominator the two commonest pairs are counted together, since some t makes them
        equal. Values within `FLAT` of the range count as equal. Means of templates are never called tied: few
        of them that agree prove little of others, whatever their range.
        """
        if not self.has_range or self.unit == "templates":
            return False
        columns = [_in_steps(self.numerator, self.limits)]
        if self.denominator is not None:
            columns.append(_in_steps(self.denominator, self.denominator_limits))
        rows = np.stack(columns, axis=1)
        within = sum(_repeated(rows[self.cells == cell]) for cell in range(len(self.counts)))
        return max(_repeated(rows), within) > self.n / 2

    def as_denominator(self) -> Sample | None:
        """The denominator as a sample of its own, to ask whether it is above zero.

        A denominator that cannot be negative is tested by its range, not by its variance.
        """
        if self.denominator is None:
            return None
        limits = self.denominator_limits
        never_negative = limits is not None and limits[0] >= 0
        method: Method = "bounded" if never_negative else self.method
        return Sample(
            self.denominator,
            None,
            self.strata,
            limits,
            method=method,
            magnitude=self.magnitude,
            unit=self.unit,
        )


def _repeated(rows: Floats) -> int:
    """How many rows (shape (n, k)) equal one of the k commonest; a row that stands alone repeats nothing."""
    counts = np.sort(np.unique(rows, axis=0, return_counts=True)[1])[-rows.shape[1] :]
    return int(counts[counts > 1].sum())


def _check_values(name: str, values: Floats, limits: tuple[float, float] | None) -> None:
    if values.ndim != 1 or len(values) == 0:
        message = f"the {name} needs one number per prompt and at least one prompt, not shape {values.shape}."
        raise ValueError(message)
    if not np.isfinite(values).all():
        at = int(np.flatnonzero(~np.isfinite(values))[0])
        message = f"the {name} of prompt {at} is {values[at]}; a prompt without a number cannot be judged."
        raise ValueError(message)
    if limits is None:
        return
    low, high = limits
    if not low < high:
        message = f"the limits of the {name} are {low} and {high}; the lower must be below the upper."
        raise ValueError(message)
    slack = FLAT * (high - low)
    if values.min() < low - slack or values.max() > high + slack:
        message = (
            f"the {name} ranges from {values.min()} to {values.max()}, outside its limits {low} and {high}."
        )
        raise ValueError(message)


def _in_steps(values: Floats, limits: tuple[float, float] | None) -> Floats:
    low, high = limits or (0.0, 1.0)
    return np.round((values - low) / (FLAT * (high - low)))

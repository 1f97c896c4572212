"""Timing by turns: ours, theirs, ours, theirs, ... so that a machine that slows down slows down both.

In: named calls. Out: one `Run` for each, and ratios round by round.
"""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Generic, TypeVar

from benchmarks.memory import Meter, Peak
from benchmarks.rates import synchronise

Result = TypeVar("Result")
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Run(Generic[Result]):
    """One call: what it gave back, wall seconds, peak memory."""

    result: Result
    seconds: float
    peak: Peak


@dataclass(frozen=True)
class Spread:
    """Some numbers, one from each round, as the table shows them."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    def __str__(self) -> str:
        low, high = min(self.values), max(self.values)
        return f"{self.median:.3g} ({low:.3g} to {high:.3g})"


def timed(call: Callable[[], Result], meter: Meter, device: str) -> Run[Result]:
    """Run it once, with the device idle before and after."""
    synchronise(device)
    meter.start()
    start = time.perf_counter()
    result = call()
    synchronise(device)
    seconds = time.perf_counter() - start
    return Run(result, seconds, meter.peak())


def one_round(
    calls: Mapping[Name, Callable[[], Result]], meter: Meter, device: str
) -> dict[Name, Run[Result]]:
    """Every call once, in order."""
    return {name: timed(call, meter, device) for name, call in calls.items()}


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Round by round: how many times longer `above` took."""
    return Spread(tuple(one / other for one, other in zip(above, below, strict=True)))

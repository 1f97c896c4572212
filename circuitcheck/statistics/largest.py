"""The largest in size of several quantities of the same prompts, either sign: whether one of them is large enough.

Any of them may show it, in either direction, so support costs a factor of twice their number (Bonferroni). That none
does needs all of them to be small, which costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitcheck.statistics.decision import Evidence, PeculiarSample, judge
from circuitcheck.statistics.inversion import Interval
from circuitcheck.statistics.sample import Sample
from circuitcheck.thresholds import Threshold


@dataclass(frozen=True, eq=False)
class Largest(PeculiarSample):
    """Several quantities on the same prompts; the numbers shown are those of the one that is largest in size."""

    options: tuple[Sample, ...] = ()

    @classmethod
    def of(cls, options: Sequence[Sample]) -> Largest:
        """The largest of these, at least one, all on the same prompts."""
        size = [0.0 if math.isnan(option.estimate) else abs(option.estimate) for option in options]
        largest = options[int(np.argmax(size))]
        sign = -1.0 if largest.estimate < 0 else 1.0
        return cls(
            sign * largest.numerator,
            largest.denominator,
            largest.strata,
            magnitude=largest.magnitude,
            options=tuple(options),
        )

    def on(self, rows: NDArray[np.bool_]) -> Largest:
        """The largest on some of the prompts, which may be another one."""
        return Largest.of([option.on(rows) for option in self.options])

    def evidence(self, threshold: Threshold, alpha_side: float) -> Evidence:
        """What the options say together of "at least one is as large as the lower end of `threshold`"."""
        ways = 2 * len(self.options)
        least = threshold.low
        inside = Threshold(None, None, "?") if least is None else Threshold(-least, least, threshold.text)
        for_support = [judge(option, inside, alpha_side / ways) for option in self.options]
        for_refutation = [judge(option, inside, alpha_side) for option in self.options]
        reasons = [found.reason for found in for_refutation]
        estimate = None if math.isnan(self.estimate) else self.estimate
        return Evidence(
            p_support=min(1.0, ways * min(found.p_refute for found in for_support)),
            p_refute=max(found.p_support for found in for_refutation),
            estimate=estimate,
            interval=_sizes(for_support, for_refutation),
            n=for_refutation[0].n,
            reason=reasons[0] if all(reasons) else None,
            mde=None,
            judged=threshold.judged,
        )


def _sizes(for_support: Sequence[Evidence], for_refutation: Sequence[Evidence]) -> Interval | None:
    """The sizes that are not ruled out: the lower end at the level that support is held to."""
    narrow = [found.interval for found in for_refutation]
    wide = [found.interval for found in for_support if found.interval is not None]
    if not wide or None in narrow:
        return None
    low = max(max(interval.low, -interval.high, 0.0) for interval in wide)
    high = max(max(interval.high, -interval.low) for interval in narrow if interval is not None)
    return Interval(low, max(low, high))

"""The batch size at which `run_with_hooks` is fastest, so that nobody is beaten by a bad setting."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from benchmarks.hooked import HookedLoop
from benchmarks.rates import synchronise
from benchmarks.setting import Setting

ROWS = (8, 16, 32, 64, 128, 256)
"""Rows of a pass (prompts x interventions) that are tried, smallest first."""
_BETTER = 0.97
"""A larger batch is kept where it takes at most this share of the time; below that it is noise."""
_SHORT, _REPEATS = 0.5, 4
"""Seconds below which a pass is run again, and how often; the fastest counts."""


@dataclass(frozen=True)
class BatchChoice:
    """The best number of rows, and the seconds that one intervention took with each that was tried."""

    rows: int
    seconds: dict[int, float]

    @property
    def best(self) -> float:
        """Seconds for each intervention on all prompts."""
        return self.seconds[self.rows]


def best_batch(setting: Setting, *, end_only: bool) -> BatchChoice:
    """Try larger and larger batches until one is no faster than the best so far."""
    times: dict[int, float] = {}
    best = 0
    for rows in ROWS:
        times[rows] = _seconds(setting, rows, end_only=end_only)
        if best and times[rows] > _BETTER * times[best]:
            break
        best = rows
    return BatchChoice(best, times)


def _seconds(setting: Setting, rows: int, *, end_only: bool) -> float:
    """Time one pass of that many rows, and say how long all prompts take at that pace."""
    n = len(setting.prompts)
    some = replace(setting, prompts=setting.prompts.subset(range(min(rows, n))))
    loop, copies = HookedLoop(some, rows, end_only), max(1, rows // n)
    seconds = _timed(partial(loop.clean, copies), setting.model.device)
    if seconds < _SHORT:
        again = [_timed(partial(loop.clean, copies), setting.model.device) for _ in range(_REPEATS)]
        seconds = min(seconds, *again)
    return seconds * n / (copies * len(some.prompts))


def _timed(call: Callable[[], Any], device: str) -> float:
    synchronise(device)
    start = time.perf_counter()
    call()
    synchronise(device)
    return time.perf_counter() - start

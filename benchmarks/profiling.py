"""Where the engine's time goes on one work: the top of cProfile, for whoever makes it faster."""

import cProfile
import io
import pstats
from collections.abc import Callable
from typing import Any

LINES = 35


def profile_of(call: Callable[[], Any]) -> str:
    """The functions that took the most time in one call by themselves, then with what they called."""
    profiler = cProfile.Profile()
    profiler.runcall(call)
    text = io.StringIO()
    statistics = pstats.Stats(profiler, stream=text).strip_dirs()
    for order in (pstats.SortKey.TIME, pstats.SortKey.CUMULATIVE):
        statistics.sort_stats(order).print_stats(LINES)
    return text.getvalue()

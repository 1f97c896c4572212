"""Verdict statistics: per-prompt numbers in, p-values, intervals and outcomes out.

Pure functions of numpy arrays at one look.
Every level is an argument, `alpha_side`: half of alpha, times the weight of the look. To stop early, judge
each look at its own level and keep the smallest p-value divided by its weight.

    sample     numbers per prompt              moments    their stratified moments as polynomials
    onesided   what a test can say             mean, rates, bounded    the three tests
    quantity   which test; ratios              inversion  what a test does not reject
    decision   evidence and outcomes           multiplicity    several claims
    forecast   prompts needed                  ranking    a ranking as a mean
"""

from circuitcheck.statistics.decision import (
    Evidence,
    Tails,
    combine,
    interval,
    judge,
    outcomes,
)
from circuitcheck.statistics.forecast import (
    Forecast,
    minimum_detectable_effect,
    needed_prompts,
    one_digit,
)
from circuitcheck.statistics.inversion import Interval
from circuitcheck.statistics.multiplicity import holm
from circuitcheck.statistics.quantity import suited_test
from circuitcheck.statistics.ranking import auroc, auroc_sample
from circuitcheck.statistics.rates import share_limits
from circuitcheck.statistics.sample import Sample

__all__ = [
    "Evidence",
    "Forecast",
    "Interval",
    "Sample",
    "Tails",
    "auroc",
    "auroc_sample",
    "combine",
    "holm",
    "interval",
    "judge",
    "minimum_detectable_effect",
    "needed_prompts",
    "one_digit",
    "outcomes",
    "share_limits",
    "suited_test",
]

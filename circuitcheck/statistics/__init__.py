"""Verdict statistics: per-prompt numbers in, p-values, intervals and outcomes out.

Pure functions of numpy arrays at one look.
Every level is an argument, `alpha_side`: half of alpha, times the weight of the look. To stop early, judge
each look of `Looks` at its own level and keep the smallest p-value divided by its weight.

    sample     numbers per prompt              moments    their stratified moments as polynomials
    onesided   what a test can say             mean, rates, bounded    the three tests
    quantity   which test; ratios              inversion  what a test does not reject
    decision   evidence and outcomes           multiplicity    several claims
    forecast   prompts needed                  ranking    a ranking as a mean
    population numbers judged by their templates' means    paired_scores    two scores of the same prompts
    largest    whether one of several quantities is large enough
    looks      when to look, and at what level templates  the population "templates like these"
    sign       which of two scores is higher   percentile how a circuit compares with random ones
    independence    whether two scores depend on each other
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
from circuitcheck.statistics.independence import Independence, independence_of, permutations_for
from circuitcheck.statistics.inversion import Interval
from circuitcheck.statistics.largest import Largest
from circuitcheck.statistics.looks import Look, Looks, smallest
from circuitcheck.statistics.multiplicity import holm
from circuitcheck.statistics.paired_scores import Dependence, Wins
from circuitcheck.statistics.percentile import Beaten, beats_share, least_circuits
from circuitcheck.statistics.population import like_templates
from circuitcheck.statistics.quantity import suited_test
from circuitcheck.statistics.ranking import auroc, auroc_sample
from circuitcheck.statistics.rates import share_limits
from circuitcheck.statistics.sample import Sample
from circuitcheck.statistics.sign import Signs, equivalence, sign_test
from circuitcheck.statistics.templates import over_templates

__all__ = [
    "Beaten",
    "Dependence",
    "Evidence",
    "Forecast",
    "Independence",
    "Interval",
    "Largest",
    "Look",
    "Looks",
    "Sample",
    "Signs",
    "Tails",
    "Wins",
    "auroc",
    "auroc_sample",
    "beats_share",
    "combine",
    "equivalence",
    "holm",
    "independence_of",
    "interval",
    "judge",
    "least_circuits",
    "like_templates",
    "minimum_detectable_effect",
    "needed_prompts",
    "one_digit",
    "outcomes",
    "over_templates",
    "permutations_for",
    "share_limits",
    "sign_test",
    "smallest",
    "suited_test",
]

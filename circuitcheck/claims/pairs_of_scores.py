"""Quantities of the clean and the intervened metric as two scores of each prompt: `wins` and `dependence`.

After Shi et al. 2024, "Hypothesis Testing the Circuit Hypothesis in LLMs": a circuit kept alone is the model's equal
where neither wins, and a model without the circuit has nothing of the model's behaviour left where its score does not
depend on the model's.
"""

from __future__ import annotations

import hashlib
import math

from circuitcheck.claims.case import Case
from circuitcheck.claims.quantities import Runs
from circuitcheck.spec import Claim
from circuitcheck.statistics import Dependence, Independence, Sample, Wins, permutations_for
from circuitcheck.statistics.independence import MARGIN

COMPARED = frozenset({"wins", "dependence"})


def paired_sample(case: Case, quantity: str, runs: Runs) -> Sample:
    """The sample of `wins`, or of `dependence` within (template, order) cells, or templates where cells are small."""
    if quantity == "wins":
        return Wins.of(runs.intervened, runs.clean, case.strata)
    return Dependence(
        runs.intervened,
        None,
        case.strata,
        other=runs.clean,
        seed=_seed(case),
        permutations=permutations_for(len(case.spec.claims), 1 - case.spec.confidence),
    )


def what_support_says(claim: Claim) -> str:
    """What it means that `dependence` is supported, which is less than independence."""
    margin = claim.thresholds["dependence"].high
    return Independence(1.0, None, math.inf, MARGIN if margin is None else margin).wording


def _seed(case: Case) -> int:
    """Of the permutations: from the prompts' seed and the claim's id; 32 bits."""
    content = f"permutations {case.prompts.seed} {case.claim.id}".encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:4], "big")

"""Measures what a claim says of other prompts: once, on all of them, before its own are looked at.

Since nothing there changes from look to look, every look may use it.
"""

from __future__ import annotations

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import Aliases
from circuitcheck.claims.planning import requests_of
from circuitcheck.engine import Engine, Errand, Plan, Progress
from circuitcheck.errors import MeasurementError, PromptError
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.spec import CircuitSpec, Claim


def errand_elsewhere(
    claim: Claim, spec: CircuitSpec, prompts: PromptSet, references: PromptSet, mlp_aliases: Aliases
) -> Errand:
    """What is measured on the other prompts; only for claims that speak of some."""
    there = claim.claim_elsewhere
    assert there is not None, "only claims with elsewhere speak of other prompts"
    return Errand(prompts, references, Plan.of(requests_of(there, spec, mlp_aliases)))


def case_elsewhere(
    claim: Claim,
    spec: CircuitSpec,
    prompts: PromptSet,
    references: PromptSet,
    engine: Engine,
    mlp_aliases: Aliases,
    progress: Progress | None,
) -> Case:
    """What the claim says of other prompts, with what was measured there.

    Raises:
        MeasurementError: it cannot be measured, or a node's position is not there.
    """
    there, words = claim.claim_elsewhere, claim.elsewhere
    assert there is not None, "only claims with elsewhere speak of other prompts"
    assert words is not None, "claims that have one have the other"
    errand = errand_elsewhere(claim, spec, prompts, references, mlp_aliases)
    try:
        measured = engine.measure(errand.plan, prompts, references, progress)
    except (MeasurementError, PromptError) as error:
        msg = f"elsewhere, on {words.name}: {error}"
        raise MeasurementError(msg) from None
    return Case(there, spec, prompts, measured, mlp_aliases, engine.shape)

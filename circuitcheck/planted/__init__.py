"""Planted models: GPT-2s wired by code, whose circuit is known exactly, to test verdicts against.

Each kind is drawn anew for every seed: heads and layers, directions, templates, strengths, noise. Tables of how
often verdicts are wrong are made from `Planted.threshold_at` and `Planted.mutants`.
"""

from __future__ import annotations

import numpy as np

from circuitcheck.planted import chain_wiring, gate_wiring, induction_wiring
from circuitcheck.planted.mutants import CLEAR, N_PROMPTS, Mutant
from circuitcheck.planted.planted import Planted
from circuitcheck.planted.statements import Statement
from circuitcheck.planted.truth import Truth

__all__ = [
    "CLEAR",
    "N_PROMPTS",
    "Mutant",
    "Planted",
    "Statement",
    "Truth",
    "both",
    "chain",
    "either",
    "induction",
]

N_TRUTH = 2048
"""Prompts that truths are measured on: a quarter of the error that 128 prompts leave."""


def induction(seed: int, *, n_truth: int = N_TRUTH, exact_passes: bool = True) -> Planted:
    """Previous-token and induction heads."""
    rng = np.random.default_rng([seed, 1])
    return Planted.built(induction_wiring.design(rng), seed, rng, n_truth=n_truth, exact_passes=exact_passes)


def chain(seed: int, *, backup: bool = False, n_truth: int = N_TRUTH, exact_passes: bool = True) -> Planted:
    """Duplicate, inhibition and mover heads; with a backup mover, if wanted."""
    rng = np.random.default_rng([seed, 2 + backup])
    return Planted.built(
        chain_wiring.design(rng, backup=backup), seed, rng, n_truth=n_truth, exact_passes=exact_passes
    )


def either(seed: int, *, n_truth: int = N_TRUTH, exact_passes: bool = True) -> Planted:
    """Two heads of which either suffices (OR)."""
    rng = np.random.default_rng([seed, 4])
    return Planted.built(
        gate_wiring.design(rng, suffices=True), seed, rng, n_truth=n_truth, exact_passes=exact_passes
    )


def both(seed: int, *, n_truth: int = N_TRUTH, exact_passes: bool = True) -> Planted:
    """Two heads of which both are needed (AND)."""
    rng = np.random.default_rng([seed, 5])
    return Planted.built(
        gate_wiring.design(rng, suffices=False), seed, rng, n_truth=n_truth, exact_passes=exact_passes
    )

"""How far an engine's numbers lie from the oracle's."""

from __future__ import annotations

import numpy as np

from circuitcheck.engine import Engine
from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel, resample_donors
from circuitcheck.prompts.pairs import PromptSet
from oracle.oracle import Donors
from oracle.readings import Numbers
from oracle.wording import Case
from oracle.world import World

TOLERANCE = 1e-5
"""Of the number itself where it is larger than 1."""


def engine_on(model: LensModel, world: World, batch_size: int = 64) -> Engine:
    """A fresh engine on the folders that the oracle reads too."""
    folders = {alias: DictionaryFolder(pattern) for alias, pattern in world.patterns.items()}
    return LensEngine(model, folders, batch_size=batch_size)


def donors_of(case: Case, prompts: PromptSet) -> Donors:
    """The engine's own draw, per node; that it is a derangement within cells is tested by itself."""
    if case.donors == "shared":
        return [[int(row) for row in resample_donors(prompts)]]
    return [[int(row) for row in resample_donors(prompts, number + 1)] for number in range(len(case.nodes))]


def distance(found: Numbers, expected: Numbers) -> float:
    """The largest difference over readings and prompts; infinite where a number is not finite."""
    apart = [
        np.abs(found[name] - expected[name]) / np.maximum(1, np.abs(expected[name])) for name in expected
    ]
    largest = float(np.max(apart))
    return largest if np.isfinite(largest) else float("inf")

"""Which of a work's interventions each side is timed on, where all of them would take too long.

In: a work, seconds per intervention, a budget. Out: two lists, theirs inside ours. Ours are whole layers, or
`LEAST` of one, because the engine runs a layer's interventions together; their time is scaled by the arithmetic
that has to be done, which falls from layer to layer. Theirs are spread over ours; every whole pass costs the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.works import Work
from circuitcheck.engine import Intervention

LEAST = 12
"""Interventions of one layer that fill the engine's batches well enough to stand for more."""


@dataclass(frozen=True)
class Sample:
    """The interventions that each side is timed on."""

    ours: tuple[Intervention, ...]
    theirs: tuple[Intervention, ...]


def evenly(count: int, of: int) -> list[int]:
    """`count` of the numbers below `of`, in the middles of as many equal stretches; all where `count` is larger."""
    count = min(count, of)
    return [int((one + 0.5) * of / count) for one in range(count)]


def sample(work: Work, *, ours: float, theirs: float, least: int = 1) -> Sample:
    """About these shares of the work, 0 to 1; a part of one layer at least, and `least` interventions.

    `least` is how many of them a whole pass takes at its best batch size, so that it is timed at that size.
    """
    chosen = _of_whole_layers(work, ours, least)
    few = max(least, int(theirs * len(work.interventions)))
    return Sample(chosen, tuple(chosen[one] for one in evenly(few, len(chosen))))


def _of_whole_layers(work: Work, share: float, least: int) -> tuple[Intervention, ...]:
    layers = np.unique(work.layers)
    if len(layers) == 1:
        return _spread(work.interventions, share, least=least)
    picked = {int(layers[one]) for one in evenly(max(1, int(share * len(layers))), len(layers))}
    chosen = [one for one, layer in zip(work.interventions, work.layers, strict=True) if layer in picked]
    return _spread(chosen, min(1.0, share * len(layers)), least=LEAST)


def _spread(interventions: Sequence[Intervention], share: float, *, least: int) -> tuple[Intervention, ...]:
    count = max(least, int(share * len(interventions)))
    return tuple(interventions[one] for one in evenly(count, len(interventions)))

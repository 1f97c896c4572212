"""Heads and neurons as what they read and write, before they become weights.

A head's attention score is a sum of `Match`es, its output a sum of `Copy`s. All rows lie in the residual
stream, shape (size, d_model); a planted LayerNorm hands the stream on nearly as it is (see `weights`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from circuitcheck.nodes import Node, NodeKind
from circuitcheck.planted.frame import Array


@dataclass(frozen=True)
class Sizes:
    """How large a planted model is."""

    n_layers: int = 4
    n_heads: int = 4
    d_model: int = 128
    d_mlp: int = 64

    @property
    def d_head(self) -> int:
        """Width of a head."""
        return self.d_model // self.n_heads


@dataclass(frozen=True, eq=False)
class Match:
    """Adds `strength` x (query x_q) . (key x_k) to the score of a position, in nats before the softmax."""

    query: Array
    key: Array
    strength: float


@dataclass(frozen=True, eq=False)
class Copy:
    """Writes `strength` x (what `value` reads where the head attends) along the rows of `output`.

    `label` names what is copied, for the features of a dictionary on the head's output.
    """

    value: Array
    output: Array
    strength: float
    label: str


@dataclass(frozen=True, order=True)
class Seat:
    """A head's place in the model."""

    layer: int
    head: int

    def at(self, position: str) -> str:
        """The head at a position, as circuit files write it."""
        return str(Node(NodeKind.HEAD, self.layer, head=self.head, at=position))


@dataclass(frozen=True, eq=False)
class Head:
    """One wired head."""

    name: str
    seat: Seat
    matches: tuple[Match, ...]
    copies: tuple[Copy, ...]

    @property
    def queries(self) -> Array:
        """What is read where the head attends from, times the strength of each match; shape (dimensions, d_model)."""
        return np.concatenate([match.strength * match.query for match in self.matches])

    @property
    def keys(self) -> Array:
        """What is read where the head may attend to; shape as that of `queries`."""
        return np.concatenate([match.key for match in self.matches])

    @property
    def values(self) -> Array:
        """What is copied from where the head attends to; shape (features, d_model)."""
        return np.concatenate([copy.value for copy in self.copies])

    @property
    def outputs(self) -> Array:
        """What is written, times the strength of each copy; shape as that of `values`."""
        return np.concatenate([copy.strength * copy.output for copy in self.copies])


@dataclass(frozen=True, eq=False)
class Neurons:
    """Some ReLU neurons of one MLP: they read rows (n, d_model) with a bias (n,), and write rows (n, d_model)."""

    name: str
    layer: int
    read: Array
    bias: Array
    write: Array


@dataclass(frozen=True)
class Seating:
    """Which heads carry which stage: stages in ascending layers, the seats of a stage side by side.

    `stages[stage]` are its seats; `spare` are seats in a stage's layer that no stage takes, by stage; `free` are
    all other seats.
    """

    stages: dict[str, tuple[Seat, ...]]
    spare: dict[str, Seat]
    free: tuple[Seat, ...]


def seated(
    stages: Sequence[tuple[str, int]], n_layers: int, n_heads: int, rng: np.random.Generator
) -> Seating:
    """Draw a layer per stage, ascending, and heads in it for each stage's carriers and one distractor.

    Args:
        stages: Name and number of carriers of each stage, in the order of the circuit.
        n_layers: Layers of the model.
        n_heads: Heads per layer.
        rng: Where the draw comes from.
    """
    layers = sorted(rng.choice(n_layers, size=len(stages), replace=False).tolist())
    taken: dict[str, tuple[Seat, ...]] = {}
    spare: dict[str, Seat] = {}
    for (stage, number), layer in zip(stages, layers, strict=True):
        heads = rng.permutation(n_heads)[: number + 1].tolist()
        *carriers, spare[stage] = (Seat(layer, head) for head in heads)
        taken[stage] = tuple(carriers)
    used = {seat for seats in taken.values() for seat in seats} | set(spare.values())
    everywhere = [Seat(layer, head) for layer in range(n_layers) for head in range(n_heads)]
    free = [seat for seat in everywhere if seat not in used]
    return Seating(taken, spare, tuple(free[i] for i in rng.permutation(len(free))))

"""Draws other circuits of exactly the size of a claim's: for every node another of its kind at its position.

In: the nodes that a claim names, and how large the model is. Out: `Drawn`. Every set of stand-ins has the same
chance. Shi et al. 2024, "Hypothesis Testing the Circuit Hypothesis in LLMs", draw random paths until they are as large;
drawing nodes overshoots nothing and prefers no layers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np

from circuitcheck.claims.matching import Drawn, Group
from circuitcheck.engine import Shape
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.spec.versus import Among

_ALL_WITHIN = 2
"""Where there are no more than this many times the circuits wanted, all are taken."""


@dataclass(frozen=True)
class _Seat:
    """Nodes of one kind at one position, and all that might take their places."""

    members: tuple[Node, ...]
    candidates: tuple[Node, ...]

    @property
    def ways(self) -> int:
        """How many sets of stand-ins there are."""
        return math.comb(len(self.candidates), len(self.members))


def draw_circuits(nodes: Sequence[Node], shape: Shape, *, wanted: int, among: Among, seed: int) -> Drawn:
    """Up to `wanted` circuits like that of `nodes`, the same for the same seed; all, where there are few.

    Args:
        nodes: Heads and MLPs, placed.
        shape: Of the model.
        wanted: Number of circuits.
        among: "complement" draws none of `nodes` at its position.
        seed: Of the draws.
    """
    seats = _seats(nodes, shape, among)
    possible = math.prod(seat.ways for seat in seats) - (among == "all")
    every = possible <= _ALL_WITHIN * wanted
    groups = tuple(_every_circuit(seats) if every else _sampled(seats, wanted, seed))
    return Drawn(
        groups,
        {str(node): len(seat.candidates) for seat in seats for node in seat.members},
        "" if groups else "there is no other circuit of this size",
        is_exhaustive=every,
    )


def _seats(nodes: Sequence[Node], shape: Shape, among: Among) -> list[_Seat]:
    places = dict.fromkeys((node.kind, node.at) for node in nodes)
    seats = []
    for kind, at in places:
        members = tuple(node for node in nodes if (node.kind, node.at) == (kind, at))
        others = (node for node in nodes_like(members[0], shape) if among == "all" or node not in members)
        seats.append(_Seat(members, tuple(others)))
    return seats


def nodes_like(node: Node, shape: Shape) -> Iterator[Node]:
    """Every head, or every MLP, at the position of one."""
    for layer in range(shape.n_layers):
        if node.kind is NodeKind.HEAD:
            yield from (replace(node, layer=layer, head=head) for head in range(shape.n_heads))
        else:
            yield replace(node, layer=layer)


def _every_circuit(seats: Sequence[_Seat]) -> Iterator[Group]:
    choices = (combinations(seat.candidates, len(seat.members)) for seat in seats)
    own = {node for seat in seats for node in seat.members}
    for chosen in product(*choices):
        group = _group(seats, chosen)
        if set(group.values()) != own:
            yield group


def _sampled(seats: Sequence[_Seat], wanted: int, seed: int) -> Iterator[Group]:
    generator = np.random.default_rng(seed)
    seen = {frozenset(node for seat in seats for node in seat.members)}
    while len(seen) <= wanted:
        chosen = [
            [seat.candidates[at] for at in generator.choice(len(seat.candidates), len(seat.members), False)]
            for seat in seats
        ]
        group = _group(seats, chosen)
        circuit = frozenset(group.values())
        if circuit not in seen:
            seen.add(circuit)
            yield group


def _group(seats: Sequence[_Seat], chosen: Sequence[Sequence[Node]]) -> Mapping[Node, Node]:
    return {
        node: other
        for seat, others in zip(seats, chosen, strict=True)
        for node, other in zip(seat.members, others, strict=True)
    }

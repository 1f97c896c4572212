"""Which parts of a circuit are taken out to see whether it is complete: its groups, nothing, and random parts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from circuitcheck.nodes import Node
from circuitcheck.spec import CircuitSpec, Claim

SUBSETS = 10
"""Random parts where the claim does not say how many."""


@dataclass(frozen=True)
class CircuitPart:
    """Some nodes of a circuit, and what they are called."""

    name: str
    nodes: tuple[Node, ...]
    is_random: bool = False

    def rest_of(self, circuit: Sequence[Node]) -> tuple[Node, ...]:
        """The circuit without this part."""
        return tuple(node for node in circuit if node not in self.nodes)


def parts_left_out(claim: Claim, spec: CircuitSpec) -> tuple[CircuitPart, ...]:
    """Nothing, every group or node as the claim names it, and random parts; no two of the same nodes.

    Random parts hold each node with probability 1/2, as in Wang et al. 2023, and are the same however many prompts
    are measured. Where there are no more parts than wanted, every one is taken.
    """
    named = [
        CircuitPart("nothing taken out", ()),
        *(CircuitPart(f"without {name}", spec.resolve(name)) for name in claim.expressions),
    ]
    taken: dict[frozenset[Node], CircuitPart] = {}
    for part in named:
        taken.setdefault(frozenset(part.nodes), part)
    wanted = SUBSETS if claim.subsets is None else claim.subsets
    chosen = _random_parts(claim.nodes(spec), wanted, set(taken), _seed(claim, spec))
    random = [
        CircuitPart(f"without random part {number}", nodes, is_random=True)
        for number, nodes in enumerate(chosen, 1)
    ]
    return (*taken.values(), *random)


def _random_parts(
    circuit: tuple[Node, ...], wanted: int, taken: set[frozenset[Node]], seed: int
) -> Iterator[tuple[Node, ...]]:
    if 2 ** len(circuit) - len(taken) <= wanted:
        yield from _every_part(circuit, taken)
        return
    generator, seen = np.random.default_rng(seed), set(taken)
    while len(seen) < len(taken) + wanted:
        drawn = generator.random(len(circuit)) < 0.5
        part = tuple(node for node, is_in in zip(circuit, drawn, strict=True) if is_in)
        if frozenset(part) not in seen:
            seen.add(frozenset(part))
            yield part


def _every_part(circuit: tuple[Node, ...], taken: set[frozenset[Node]]) -> Iterator[tuple[Node, ...]]:
    for size in range(1, len(circuit) + 1):
        yield from (part for part in combinations(circuit, size) if frozenset(part) not in taken)


def _seed(claim: Claim, spec: CircuitSpec) -> int:
    """From the file's seed and the claim's id; 32 bits."""
    content = f"parts {spec.prompts.seed} {claim.id}".encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:4], "big")

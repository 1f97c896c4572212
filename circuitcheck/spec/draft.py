"""A circuit file of which only some parts could be read, so that the rest can still be checked.

In: the parts that are right by themselves. Out: what `spec.rules` look through, and `Fault`s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from circuitcheck.nodes import Node
from circuitcheck.spec.claim import Claim
from circuitcheck.spec.edges import WrittenEdge
from circuitcheck.spec.groups import NodeGroup, looks_like_a_group, resolve
from circuitcheck.spec.prompts import PromptsRef
from circuitcheck.spec.references import DictionaryRef, ModelRef


@dataclass(frozen=True)
class Fault:
    """Something wrong, with the way to it; `at_key` where the key itself is wrong, not its value."""

    loc: tuple[str | int, ...]
    message: str
    at_key: bool = False


@dataclass(frozen=True)
class Draft:
    """The parts that could be read; edges and claims by their number in the file.

    `unread` holds the ways to sections, groups and dictionaries that are there but wrong, such as
    ("nodes", "mover"), so that nobody is told that they do not exist. `damaged` maps a claim's number
    to its keys that are wrong: the claim stands here without them.
    """

    directory: Path
    model: ModelRef | None
    dictionaries: Mapping[str, DictionaryRef]
    prompts: PromptsRef | None
    metric: str
    groups: Mapping[str, NodeGroup]
    edges: Mapping[int, WrittenEdge]
    claims: Mapping[int, Claim]
    confidence: float = 0.95
    unread: frozenset[tuple[str | int, ...]] = frozenset()
    damaged: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def is_unread(self, section: str, name: str) -> bool:
        """Whether a name of `nodes` or `dictionaries` may well be there, but could not be read."""
        return (section,) in self.unread or (section, name) in self.unread

    @property
    def edge_claims(self) -> dict[int, Claim]:
        """What each edge claims, by its number in the file."""
        return {number: edge.claim(self.metric, self._several(edge)) for number, edge in self.edges.items()}

    @property
    def every_claim(self) -> dict[tuple[str, int], Claim]:
        """The claims written out, then those of the edges, each by the way to it."""
        written = {("claims", number): claim for number, claim in self.claims.items()}
        return written | {("edges", number): claim for number, claim in self.edge_claims.items()}

    def _several(self, edge: WrittenEdge) -> list[str]:
        """The ends of an edge that are groups of more than one part of the model."""
        ends = (end for end in (edge.edge.source, edge.edge.target) if end in self.groups)
        return [end for end in ends if len({node.name for node in self.groups[end].nodes}) > 1]

    def resolve(self, expression: str) -> tuple[Node, ...]:
        """The nodes of a group name or node expression; none where the group could not be read.

        Raises:
            ValueError: with a sentence, when it is neither.
        """
        if self.is_unread("nodes", expression) and looks_like_a_group(expression):
            return ()
        return resolve(self.groups, expression)

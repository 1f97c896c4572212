"""A circuit as another tool's file has it, in our names for nodes; readers make it, choosing narrows it.

Scores are those of the file: edge weights, attribution scores or effect sizes, in the units of the tool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from circuitcheck.errors import CircuitCheckError
from circuitcheck.nodes import Node
from circuitcheck.spec.groups import Input


class ExchangeError(CircuitCheckError):
    """A file of another format cannot be read, or does not fit; says which file, what is wrong and what to do."""

    def __init__(self, path: Path | str, message: str) -> None:
        super().__init__(f"{path}: {message}")


@dataclass(frozen=True)
class GraphNode:
    """A node of the file; `inside` where the file has it in the circuit. `score` is None where it was not scored."""

    node: Node
    inside: bool
    score: float | None = None
    label: str = ""


@dataclass(frozen=True)
class GraphEdge:
    """An edge of the file: `target` is None for the logits, and `input` None for these alone."""

    source: Node
    target: Node | None
    input: Input | None
    inside: bool
    score: float | None = None

    @property
    def ends(self) -> tuple[Node, ...]:
        """The nodes that it joins; the logits are none."""
        return (self.source,) if self.target is None else (self.source, self.target)

    def __str__(self) -> str:
        if self.target is None:
            return f"{self.source} -> logits"
        return f"{self.source} -> {self.target} ({self.input})"


@dataclass(frozen=True)
class Graph:
    """What a file says of a circuit.

    `format` is the name of the format for people; `unsaid` the sentences about what a circuit file cannot say.
    `pinned` is True where the file names its nodes whatever edges are chosen; `patches` where the tool found it by
    putting corrupt values in; `frozen_attention` where its edges run through attention that is not in the graph.
    """

    format: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    groups: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)
    unsaid: tuple[str, ...] = ()
    n_layers: int | None = None
    n_heads: int | None = None
    prompt: str = ""
    pinned: bool = False
    patches: bool = True
    frozen_attention: bool = False

    @property
    def scores(self) -> tuple[float, ...]:
        """The scores of the edges, or of the nodes where no edge has one; unordered."""
        of_edges = tuple(_scores(self.edges))
        return of_edges or tuple(_scores(self.nodes))

    def scores_at(self, nodes: Iterable[Node]) -> tuple[float, ...]:
        """The scores of the edges at some nodes, or of the nodes themselves where no edge has one."""
        wanted = set(nodes)
        of_edges = tuple(_scores(edge for edge in self.edges if wanted & set(edge.ends)))
        return of_edges or tuple(_scores(found for found in self.nodes if found.node in wanted))


def _scores(parts: Iterable[GraphNode | GraphEdge]) -> Iterator[float]:
    return (part.score for part in parts if part.score is not None)

"""Which part of a graph is the circuit: what its file says, or the edges with the largest scores.

In: a `Graph` and a `Choice`. Out: the same graph with only the chosen part.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from circuitcheck.exchange.graph import Graph, GraphEdge, GraphNode
from circuitcheck.nodes import Node
from circuitcheck.prompts.wording import counted

_Part = TypeVar("_Part", GraphNode, GraphEdge)


@dataclass(frozen=True)
class Choice:
    """What to take: the `top` parts by the size of their score, or those of size `threshold` and more.

    With neither, what the file itself has in its circuit.
    """

    threshold: float | None = None
    top: int | None = None

    @property
    def is_made(self) -> bool:
        """Whether scores decide."""
        return self.threshold is not None or self.top is not None

    def __str__(self) -> str:
        if self.top is not None:
            return f"the {self.top} with the largest scores"
        return (
            "those of the file's circuit"
            if self.threshold is None
            else f"scores of size {self.threshold:g} and more"
        )


def chosen(graph: Graph, choice: Choice) -> Graph:
    """The chosen part of the graph, marked as inside.

    Raises:
        ValueError: in a sentence without the file, when nothing is chosen or nothing can be.
    """
    if not graph.nodes and not graph.edges:
        msg = "the graph is empty: it has no nodes and no edges. Save the graph again."
        raise ValueError(msg)
    part = _by_score(graph, choice) if choice.is_made else _by_mark(graph)
    if not part.nodes:
        raise ValueError(_nothing(graph, choice))
    named = {found.node for found in part.nodes}
    groups = {name: tuple(node for node in nodes if node in named) for name, nodes in graph.groups.items()}
    return replace(part, groups={name: nodes for name, nodes in groups.items() if nodes})


def _by_mark(graph: Graph) -> Graph:
    edges = tuple(edge for edge in graph.edges if edge.inside)
    nodes = tuple(found for found in graph.nodes if found.inside)
    if not edges or graph.pinned:
        return replace(graph, nodes=nodes, edges=edges)
    joined = _joined(graph, edges)
    named = {found.node for found in joined}
    alone = [str(found.node.name) for found in nodes if found.node not in named]
    said = f"{counted(len(alone), 'node')} of the circuit without an edge in it: {', '.join(alone)}."
    return replace(graph, nodes=joined, edges=edges, unsaid=(*graph.unsaid, *([said] if alone else ())))


def _by_score(graph: Graph, choice: Choice) -> Graph:
    edges = _largest(graph.edges, choice)
    if any(edge.score for edge in graph.edges):
        nodes = tuple(found for found in graph.nodes if found.inside) if graph.pinned else ()
        return replace(graph, nodes=nodes or _joined(graph, edges), edges=edges)
    kept = _largest(graph.nodes, choice)  # tools that score nodes leave their edges at 0
    named = {found.node for found in kept}
    between = tuple(edge for edge in graph.edges if edge.inside and named.issuperset(edge.ends))
    return replace(graph, nodes=kept, edges=between)


def _largest(parts: Sequence[_Part], choice: Choice) -> tuple[_Part, ...]:
    """The chosen parts, in the order of the file; what has no score, or 0, is never chosen."""
    sizes = {number: abs(part.score) for number, part in enumerate(parts) if part.score}
    if choice.top is not None:
        best = heapq.nsmallest(choice.top, sizes, key=lambda number: (-sizes[number], number))
    else:
        best = [number for number, size in sizes.items() if size >= (choice.threshold or 0.0)]
    wanted = set(best)
    return tuple(part for number, part in enumerate(parts) if number in wanted)


def _joined(graph: Graph, edges: Sequence[GraphEdge]) -> tuple[GraphNode, ...]:
    """The nodes at the ends of the edges, in the order of the graph, then those that it lists nowhere."""
    ends = dict.fromkeys(node for edge in edges for node in edge.ends)
    listed: dict[Node, GraphNode] = {found.node: found for found in graph.nodes}
    known = [found for found in graph.nodes if found.node in ends]
    return (*known, *(GraphNode(node, inside=True) for node in ends if node not in listed))


def _nothing(graph: Graph, choice: Choice) -> str:
    sizes = [abs(score) for score in graph.scores if score]
    many = f"{counted(len(graph.edges), 'edge')} and {counted(len(graph.nodes), 'node')}"
    if not sizes:
        return f"it has {many}, none in its circuit and none with a score. Save the graph again."
    if not choice.is_made:
        return f"it has {many}, and says of none that it is in the circuit. Choose with --top N or --threshold X."
    return f"no score is of size {choice.threshold:g} or more; the largest is {max(sizes):g}. Write a smaller threshold."

"""What of a circuit file can be drawn: its groups of nodes, its edges node by node, and what writes the answer.

In: a `CircuitSpec`. Out: a `Drawing`, which every export starts from. Groups that only null claims name are no part
of the circuit, and are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from circuitcheck.errors import CircuitCheckError
from circuitcheck.nodes import ALL, Node
from circuitcheck.prompts.wording import counted, did_you_mean
from circuitcheck.spec import CircuitSpec
from circuitcheck.spec.groups import Input

_NULL = "null-claim"


@dataclass(frozen=True)
class DrawnEdge:
    """What one node writes and another reads."""

    source: Node
    target: Node
    input: Input


@dataclass(frozen=True)
class Drawing:
    """`direct` are the nodes that claims say write the answer themselves; `unsaid` what no drawing can say."""

    spec: CircuitSpec
    groups: Mapping[str, tuple[Node, ...]]
    edges: tuple[DrawnEdge, ...]
    direct: tuple[Node, ...]
    unsaid: tuple[str, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, each once: those of groups first."""
        grouped = (node for nodes in self.groups.values() for node in nodes)
        joined = (node for edge in self.edges for node in (edge.source, edge.target))
        return tuple(dict.fromkeys([*grouped, *joined, *self.direct]))

    @property
    def labels(self) -> dict[Node, str]:
        """What people call each node: the label of the first group that it is in, or the group's name."""
        labels: dict[Node, str] = {}
        for name, nodes in self.groups.items():
            for node in nodes:
                labels.setdefault(node, self.spec.nodes[name].label or name)
        return labels


def drawing_of(spec: CircuitSpec, only: Collection[str] = ()) -> Drawing:
    """The drawing of a circuit file, or of some of its groups.

    Raises:
        CircuitCheckError: in a sentence, when a group is unknown or there is nothing to draw.
    """
    for name in only:
        if name not in spec.nodes:
            msg = f"{spec.circuit} has no node group {name!r}. {did_you_mean(name, spec.nodes)}"
            raise CircuitCheckError(msg)
    idle = [] if only else list(_idle(spec))
    drawn = [name for name in spec.nodes if name not in idle and (not only or name in only)]
    groups = {name: spec.group(name) for name in drawn}
    inside = {node.name for nodes in groups.values() for node in nodes}
    edges = tuple(edge for edge in dict.fromkeys(_edges(spec)) if not only or _is_inside(edge, inside))
    placed = {node for nodes in groups.values() for node in nodes} | {edge.source for edge in edges}
    direct = tuple(_as_placed(node, placed) for node in _direct(spec) if not only or node.name in inside)
    drawing = Drawing(spec, groups, edges, direct, tuple(_unsaid(spec, idle, only)))
    if not drawing.nodes:
        msg = f"{spec.circuit} names no nodes, so there is nothing to draw. Give it nodes:."
        raise CircuitCheckError(msg)
    return drawing


def _is_inside(edge: DrawnEdge, names: set[str]) -> bool:
    return {edge.source.name, edge.target.name} <= names


def _idle(spec: CircuitSpec) -> Iterator[str]:
    """Groups that claims name only to say that they play no part."""
    joined = {end for written in spec.edges for end in (written.edge.source, written.edge.target)}
    for name in spec.nodes:
        naming = [claim for claim in spec.written if name in claim.expressions]
        if naming and name not in joined and all(_NULL in claim.tags for claim in naming):
            yield name


def _edges(spec: CircuitSpec) -> Iterator[DrawnEdge]:
    for written in spec.edges:
        edge = written.edge
        for source, target in product(spec.resolve(edge.source), spec.resolve(edge.target)):
            yield DrawnEdge(source, target, edge.input)


def _direct(spec: CircuitSpec) -> list[Node]:
    claims = [claim for claim in spec.written if claim.verb == "writes" and _NULL not in claim.tags]
    return list(dict.fromkeys(node for claim in claims for node in claim.nodes(spec)))


def _as_placed(node: Node, placed: Collection[Node]) -> Node:
    """A node that writes the answer, which is at END, as the rest of the circuit has it: at all tokens, if so."""
    everywhere = replace(node, at=ALL)
    return everywhere if everywhere in placed and node not in placed else node


def _unsaid(spec: CircuitSpec, idle: Collection[str], only: Collection[str]) -> Iterator[str]:
    yield f"{counted(len(spec.written), 'claim')} with what is expected, and the metric {spec.metric}."
    yield "Where prompts come from, and what makes their corrupt side."
    if spec.dictionaries:
        yield f"Where dictionaries lie: {', '.join(spec.dictionaries)}."
    if idle:
        yield f"Groups that only null claims name, and that are left out: {', '.join(idle)}."
    if only:
        left = [name for name in spec.nodes if name not in only]
        yield f"Groups that were not asked for: {', '.join(left) or 'none'}."

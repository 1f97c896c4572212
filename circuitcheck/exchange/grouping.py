"""Groups of a graph's nodes: those that its file names, and the rest by layer and kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from circuitcheck.exchange.graph import Graph
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.prompts.wording import counted

TOKENS = "tokens"
_PLURALS: Mapping[NodeKind, str] = {
    NodeKind.HEAD: "heads",
    NodeKind.MLP: "mlp",
    NodeKind.NEURON: "neurons",
    NodeKind.FEATURE: "features",
    NodeKind.ERROR: "errors",
}


@dataclass(frozen=True)
class NamedNodes:
    """A group as the circuit file will have it; `label` is for people."""

    name: str
    nodes: tuple[Node, ...]
    label: str


def groups_of(graph: Graph) -> tuple[NamedNodes, ...]:
    """Every node of the graph in a group; the tokens that patching leaves clean are no nodes."""
    nodes = [found.node for found in graph.nodes if not (graph.patches and found.node.kind is NodeKind.EMBED)]
    grouped = {node for members in graph.groups.values() for node in members}
    groups = {name: list(members) for name, members in graph.groups.items()}
    for node in nodes:
        if node not in grouped:
            groups.setdefault(_free(_name(node), graph.groups), []).append(node)
    labels = {found.node: found.label for found in graph.nodes}
    return tuple(
        NamedNodes(name, tuple(dict.fromkeys(members)), _label(members, labels))
        for name, members in groups.items()
    )


def _free(name: str, taken: Iterable[str]) -> str:
    return f"{name}-unnamed" if name in taken else name


def _name(node: Node) -> str:
    if node.layer is None:
        return TOKENS
    return f"{_PLURALS.get(node.kind, node.kind.value.replace('_', '-'))}-of-layer-{node.layer}"


def _label(members: Iterable[Node], labels: Mapping[Node, str]) -> str:
    """What the file calls all of the nodes, where it does; else of what kinds they are."""
    nodes = list(members)
    said = {labels.get(node, "") for node in nodes}
    if len(said) == 1 and (shared := said.pop()):
        return shared
    kinds = dict.fromkeys(node.kind for node in nodes)
    return ", ".join(counted(sum(node.kind is kind for node in nodes), kind.value) for kind in kinds)

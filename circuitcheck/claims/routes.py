"""Paths as the engine takes them: from the nodes that write to the inputs that read."""

from __future__ import annotations

from collections.abc import Iterable

from circuitcheck.nodes import Node, NodeKind
from circuitcheck.spec import Edge

_INPUTS = {"q": NodeKind.Q, "k": NodeKind.K, "v": NodeKind.V}


def receivers_of(edge: Edge, senders: Iterable[Node], targets: Iterable[Node]) -> tuple[Node, ...]:
    """The inputs through which the targets of an edge read, each once.

    Keys and values are built at the token that is read, which is the sender's. A feature or a neuron reads through
    its MLP, so that all the MLP writes changes with it.
    """
    places = list(dict.fromkeys(sender.at for sender in senders))
    return tuple(
        dict.fromkeys(
            _receiver(edge, target, at)
            for target in targets
            for at in (places if edge.input in {"k", "v"} else [target.at])
        )
    )


def _receiver(edge: Edge, target: Node, at: str) -> Node:
    if edge.input == "in":
        return Node(NodeKind.MLP, target.layer, at=at)
    return Node(_INPUTS[edge.input], target.layer, head=target.head, at=at)

"""How the nodes of a drawing are called in an attribution graph, and at which token of one prompt they stand.

circuit-tracer, frontend/graph_models.py, has names for features and errors of transcoders, tokens and logits; other
nodes keep the name that they have in the circuit file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from circuitcheck.exchange.attribution_nodes import EMBEDDING, ERROR, TRANSCODER
from circuitcheck.exchange.drawing import Drawing
from circuitcheck.nodes import ALL, ALL_WITH_BOS, END, Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.spec.rules.sites import site_of

EVERYWHERE = frozenset({ALL, ALL_WITH_BOS})
"""Positions of a node that stands at all tokens; a graph shows it at the last."""


@dataclass(frozen=True)
class Names:
    """The names of a drawing's nodes over one prompt, the only one of `prompts`."""

    drawing: Drawing
    tokenizer: Tokenizer
    prompts: PromptSet

    @cached_property
    def ids(self) -> Mapping[Node, str]:
        """The node_id of every node of the drawing."""
        return {node: self._id(node) for node in self.drawing.nodes}

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The prompt, token by token, BOS first where it has one."""
        return tuple(self.tokenizer.decode(token) for token in self.prompts.clean[0])

    def token_index(self, node: Node) -> int:
        """Where the node stands, BOS counted."""
        return int(self.prompts.positions(END if node.at in EVERYWHERE else node.at)[0, 0])

    def token_id(self, index: int) -> str:
        """The node_id of a token of the prompt."""
        return f"E_{self.prompts.clean[0][index]}_{index}"

    def type_of(self, node: Node) -> str:
        """The format's word for the node, where it has one, else ours: of one transcoder, and of tokens."""
        if node.at not in EVERYWHERE:  # of the format's own, there is one at each token
            if node.kind is NodeKind.EMBED:
                return EMBEDDING
            if node.dictionary and node.dictionary == self._transcoder:
                return TRANSCODER if node.kind is NodeKind.FEATURE else ERROR
        return node.kind.value

    def entry(self, node: Node, label: str) -> dict[str, Any]:
        """The node as an entry of the graph's `nodes`."""
        name, index, kind = self.ids[node], self.token_index(node), self.type_of(node)
        number: int | None = None
        own = f"{name}-0"
        if kind == EMBEDDING:
            number, own = index, f"{name.rpartition('_')[0]}-{index}"
        elif kind == ERROR:
            number, own = -1, f"{node.layer}_-1-{index}"
        elif kind == TRANSCODER and node.layer is not None and node.index is not None:
            number, own = cantor(node.layer, node.index), f"{node.layer}_{node.index}-0"
        layer = "E" if node.layer is None else str(node.layer)
        return entry(name, number, layer, index, kind, own, label)

    def _id(self, node: Node) -> str:
        index, kind = self.token_index(node), self.type_of(node)
        if node.at in EVERYWHERE:
            return f"{node}_{index}"  # the same node may stand at the last token alone too
        if kind == TRANSCODER:
            return f"{node.layer}_{node.index}_{index}"
        if kind == ERROR:
            return f"{node.layer}_-1_{index}"
        return self.token_id(index) if kind == EMBEDDING else f"{node.name}_{index}"

    @cached_property
    def _transcoder(self) -> str:
        """The first dictionary that reconstructs what MLPs write."""
        draft = self.drawing.spec.draft()
        found = (node for node in self.drawing.nodes if node.dictionary and site_of(draft, node) == "mlp")
        return next((str(node.dictionary) for node in found), "")


def cantor(layer: int, index: int) -> int:
    """The number of a feature: Cantor's pairing of its layer and its index."""
    return (layer + index) * (layer + index + 1) // 2 + index


def entry(
    name: str, feature: int | None, layer: str, index: int, kind: str, own: str, label: str
) -> dict[str, Any]:
    """An entry of `nodes`, with the keys that Neuronpedia demands; `own` is its name inside the viewer."""
    return {
        "node_id": name,
        "feature": feature,
        "layer": layer,
        "ctx_idx": index,
        "feature_type": kind,
        "jsNodeId": own,
        "clerp": label,
    }

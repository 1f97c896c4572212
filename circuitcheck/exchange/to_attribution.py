"""A drawing as an attribution graph of circuit-tracer and Neuronpedia, laid over the first prompt of the file.

In: a `Drawing`. Out: JSON by Neuronpedia's app/api/graph/graph-schema.json, version 1.0.0; node names as
circuit-tracer, frontend/graph_models.py. What the schema has no word for stands under keys of our own besides, which
viewers pass over, so that reading the file back loses nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from circuitcheck.engine import Shape
from circuitcheck.errors import ModelError
from circuitcheck.exchange.attribution import INPUT
from circuitcheck.exchange.attribution_nodes import EMBEDDING, ERROR, LOGIT, NAME, TRANSCODER
from circuitcheck.exchange.drawing import Drawing
from circuitcheck.nodes import ALL, ALL_WITH_BOS, END, Node, NodeKind
from circuitcheck.prompts.build import build_prompts
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.shapes import model_shape
from circuitcheck.spec.rules.sites import site_of

SCHEMA_VERSION = 1
"""Features are numbered by Cantor's pairing of layer and index."""
_WEIGHT = 1.0
_EVERYWHERE = frozenset({ALL, ALL_WITH_BOS})


def attribution_text(drawing: Drawing) -> tuple[str, tuple[str, ...]]:
    """The file, and what it cannot say.

    Raises:
        ModelError: in a sentence, when the model's tokenizer or size is not on this disk.
        PromptError: when the prompts cannot be made.
    """
    folder = drawing.spec.model.folder(drawing.spec.directory)
    shape = model_shape(folder) if folder else None
    if folder is None or shape is None:
        msg = f"the graph needs the tokens of a prompt, and {drawing.spec.model.name or folder} is not on this disk. Write model: {{path: ..}}."
        raise ModelError(msg)
    tokenizer = Tokenizer.from_directory(folder)
    prompts = build_prompts(drawing.spec.prompts, tokenizer, base=drawing.spec.directory).subset([0])
    graph = _AttributionGraph(drawing, shape, tokenizer, prompts)
    return json.dumps(graph.content(), indent=1) + "\n", graph.unsaid


@dataclass(frozen=True)
class _AttributionGraph:
    """A drawing over one prompt."""

    drawing: Drawing
    shape: Shape
    tokenizer: Tokenizer
    prompts: PromptSet

    def content(self) -> dict[str, Any]:
        ids = self.ids
        pinned = dict.fromkeys([*ids.values(), *([self.logit_id] if self.drawing.direct else [])])
        groups = self.drawing.groups.items()
        return {
            "metadata": self._metadata(),
            "qParams": {
                "pinnedIds": list(pinned),
                "supernodes": [[name, *dict.fromkeys(ids[node] for node in nodes)] for name, nodes in groups],
                "linkType": "both",
                "clickedId": "",
                "sg_pos": "",
            },
            "nodes": list(self._nodes()),
            "links": list(self._links()),
        }

    @cached_property
    def ids(self) -> dict[Node, str]:
        """The node_id of every node of the drawing."""
        return {node: self._id(node) for node in self.drawing.nodes}

    @property
    def tokens(self) -> list[str]:
        """The prompt, token by token, BOS first where it has one."""
        return [self.tokenizer.decode(token) for token in self.prompts.clean[0]]

    @property
    def logit_id(self) -> str:
        """The node_id of the answer's logit."""
        return f"{self.shape.n_layers + 1}_{self.prompts.answers[0]}_{len(self.tokens) - 1}"

    def token_index(self, node: Node) -> int:
        """Where the node stands, BOS counted; a node at all tokens is shown at the last."""
        at = END if node.at in _EVERYWHERE else node.at
        return int(self.prompts.positions(at)[0, 0])

    @property
    def unsaid(self) -> tuple[str, ...]:
        """What viewers of the format will not show."""
        return (*self.drawing.unsaid, *self._unsaid())

    def _unsaid(self) -> Iterator[str]:
        yield "Weights: a circuit file has none, so that every link weighs 1; influence and activation are left out."
        yield f"Other prompts than the first of {len(self.tokens)} tokens; roles are the tokens that they are there."
        everywhere = [str(node) for node in self.drawing.nodes if node.at in _EVERYWHERE]
        if everywhere:
            yield f"Nodes at all tokens, shown at the last one: {', '.join(everywhere)}."
        others = dict.fromkeys(
            node.kind.value for node in self.drawing.nodes if self._type(node) == node.kind.value
        )
        if others:
            yield f"Types that viewers have no cards for: {', '.join(others)}."
        if any(edge.input != "in" for edge in self.drawing.edges):
            yield "Whether a link is read as query, key or value."
        if not any(node.layer for node in self.drawing.nodes):
            yield "A node above layer 0: Neuronpedia refuses to show a graph without one."

    def _metadata(self) -> dict[str, Any]:
        spec = self.drawing.spec
        model = str(spec.model.bundled or Path(str(spec.model.name or spec.model.path)).name)
        description = "\n".join([spec.title, *(f"Not said here: {sentence}" for sentence in self.unsaid)])
        return {
            "slug": _plain(spec.circuit),
            "scan": _plain(model),
            "transcoder_list": [],
            "prompt_tokens": self.tokens,
            "prompt": self.prompts.pairs[0].clean,
            "schema_version": SCHEMA_VERSION,
            "info": {
                "description": description,
                "source_urls": [spec.source] if spec.source else [],
                "generator": {"name": "circuitcheck", "version": _version()},
            },
        }

    def _nodes(self) -> Iterator[dict[str, Any]]:
        """Every token, every node of the drawing once, and the answer's logit."""
        written: set[str] = set()
        for index, token in enumerate(self.prompts.clean[0]):
            name = f"E_{token}_{index}"
            written.add(name)
            yield _entry(name, index, "E", index, EMBEDDING, f"E_{token}-{index}", self.tokens[index])
        labels = self.drawing.labels
        for node, name in self.ids.items():
            if name not in written:
                written.add(name)
                yield {**self._entry(node, name, labels.get(node, "")), NAME: str(node)}
        if self.prompts.has_answers:
            answer, last = self.prompts.answers[0], len(self.tokens) - 1
            label = f'Output "{self.tokenizer.decode(answer)}"'
            layer = str(self.shape.n_layers + 1)
            yield _entry(self.logit_id, answer, layer, last, LOGIT, f"L_{answer}-{last}", label)

    def _links(self) -> Iterator[dict[str, Any]]:
        for edge in self.drawing.edges:
            ends = {"source": self.ids[edge.source], "target": self.ids[edge.target]}
            yield {**ends, "weight": _WEIGHT, INPUT: edge.input}
        for node in self.drawing.direct:
            yield {"source": self.ids[node], "target": self.logit_id, "weight": _WEIGHT}

    def _id(self, node: Node) -> str:
        index = self.token_index(node)
        if node.at in _EVERYWHERE:
            return f"{node}_{index}"  # the same node may stand at the last token alone too
        kind = self._type(node)
        if kind == TRANSCODER:
            return f"{node.layer}_{node.index}_{index}"
        if kind == ERROR:
            return f"{node.layer}_-1_{index}"
        return f"E_{self.prompts.clean[0][index]}_{index}" if kind == EMBEDDING else f"{node.name}_{index}"

    def _entry(self, node: Node, name: str, label: str) -> dict[str, Any]:
        index, kind = self.token_index(node), self._type(node)
        number: int | None = -1 if kind == ERROR else None
        own = f"{node.layer}_-1-{index}" if kind == ERROR else f"{name}-0"
        if kind == TRANSCODER and node.layer is not None and node.index is not None:
            number, own = cantor(node.layer, node.index), f"{node.layer}_{node.index}-0"
        return _entry(name, number, str(node.layer), index, kind, own, label)

    def _type(self, node: Node) -> str:
        """The word of the format, where it has one: features and errors of the first transcoder, and tokens."""
        if node.at in _EVERYWHERE:
            return node.kind.value
        if node.kind is NodeKind.EMBED:
            return EMBEDDING
        if node.dictionary and node.dictionary == self._transcoder:
            return TRANSCODER if node.kind is NodeKind.FEATURE else ERROR
        return node.kind.value

    @cached_property
    def _transcoder(self) -> str:
        draft = self.drawing.spec.draft()
        found = (node for node in self.drawing.nodes if node.dictionary and site_of(draft, node) == "mlp")
        return next((str(node.dictionary) for node in found), "")


def cantor(layer: int, index: int) -> int:
    """The number of a feature: Cantor's pairing of its layer and its index."""
    return (layer + index) * (layer + index + 1) // 2 + index


def _entry(
    name: str, feature: int | None, layer: str, index: int, kind: str, own: str, label: str
) -> dict[str, Any]:
    return {
        "node_id": name,
        "feature": feature,
        "layer": layer,
        "ctx_idx": index,
        "feature_type": kind,
        "jsNodeId": own,
        "clerp": label,
    }


def _plain(text: str) -> str:
    """Only the characters that Neuronpedia takes in names."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)


def _version() -> str:
    try:
        return version("circuitcheck")
    except PackageNotFoundError:
        return "unknown"

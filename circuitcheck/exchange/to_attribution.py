"""A drawing as an attribution graph of circuit-tracer and Neuronpedia, laid over the first prompt of the file.

In: a `Drawing`. Out: JSON by Neuronpedia's app/api/graph/graph-schema.json, version 1.0.0. What the schema has no
word for stands under keys of our own besides, which viewers pass over, so that reading the file back loses nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from circuitcheck.engine import Shape
from circuitcheck.errors import ModelError
from circuitcheck.exchange.attribution import INPUT
from circuitcheck.exchange.attribution_names import EVERYWHERE, Names, entry
from circuitcheck.exchange.attribution_nodes import EMBEDDING, LOGIT, NAME
from circuitcheck.exchange.drawing import Drawing
from circuitcheck.prompts.build import build_prompts
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.shapes import model_shape

SCHEMA_VERSION = 1
"""Features are numbered by Cantor's pairing of layer and index."""
_WEIGHT = 1.0


def attribution_text(drawing: Drawing) -> tuple[str, tuple[str, ...]]:
    """The file, and what it cannot say.

    Raises:
        ModelError: in a sentence, when the model's tokenizer or size is not on this disk.
        PromptError: when the prompts cannot be made.
    """
    spec = drawing.spec
    folder = spec.model.folder(spec.directory)
    shape = model_shape(folder) if folder else None
    if folder is None or shape is None:
        where = spec.model.name or folder
        msg = f"the graph needs the tokens of a prompt, and {where} is not on this disk. Write model: {{path: ..}}."
        raise ModelError(msg)
    tokenizer = Tokenizer.from_directory(folder)
    prompts = build_prompts(spec.prompts, tokenizer, base=spec.directory).subset([0])
    graph = _AttributionGraph(drawing, shape, Names(drawing, tokenizer, prompts))
    return json.dumps(graph.content(), indent=1) + "\n", graph.unsaid


@dataclass(frozen=True)
class _AttributionGraph:
    """A drawing over one prompt."""

    drawing: Drawing
    shape: Shape
    names: Names

    def content(self) -> dict[str, Any]:
        ids = self.names.ids
        direct = [self._logit_id] if self.drawing.direct else []
        groups = self.drawing.groups.items()
        return {
            "metadata": self._metadata(),
            "qParams": {
                "pinnedIds": list(dict.fromkeys([*ids.values(), *direct])),
                "supernodes": [[name, *dict.fromkeys(ids[node] for node in nodes)] for name, nodes in groups],
                "linkType": "both",
                "clickedId": "",
                "sg_pos": "",
            },
            "nodes": list(self._nodes()),
            "links": list(self._links()),
        }

    @property
    def unsaid(self) -> tuple[str, ...]:
        """What viewers of the format will not show."""
        return (*self.drawing.unsaid, *self._unsaid())

    @property
    def _logit_id(self) -> str:
        """The node_id of the answer's logit, which stands one layer above the last, as circuit-tracer has it."""
        return f"{self.shape.n_layers + 1}_{self.names.prompts.answers[0]}_{len(self.names.tokens) - 1}"

    def _unsaid(self) -> Iterator[str]:
        nodes, tokens = self.drawing.nodes, len(self.names.tokens)
        yield "Weights: a circuit file has none, so that every link weighs 1; influence and activation are left out."
        yield f"Other prompts than the first, of {tokens} tokens; roles are the tokens that they are there."
        everywhere = [str(node) for node in nodes if node.at in EVERYWHERE]
        if everywhere:
            yield f"Nodes at all tokens, shown at the last one: {', '.join(everywhere)}."
        others = dict.fromkeys(
            node.kind.value for node in nodes if self.names.type_of(node) == node.kind.value
        )
        if others:
            yield f"Types that viewers have no cards for: {', '.join(others)}."
        if any(edge.input != "in" for edge in self.drawing.edges):
            yield "Whether a link is read as query, key or value."
        if not any(node.layer for node in nodes):
            yield "A node above layer 0: Neuronpedia refuses to show a graph without one."

    def _metadata(self) -> dict[str, Any]:
        spec = self.drawing.spec
        model = str(spec.model.bundled or Path(str(spec.model.name or spec.model.path)).name)
        description = "\n".join([spec.title, *(f"Not said here: {sentence}" for sentence in self.unsaid)])
        return {
            "slug": _plain(spec.circuit),
            "scan": _plain(model),
            "transcoder_list": [],
            "prompt_tokens": list(self.names.tokens),
            "prompt": self.names.prompts.pairs[0].clean,
            "schema_version": SCHEMA_VERSION,
            "info": {
                "description": description,
                "source_urls": [spec.source] if spec.source else [],
                "generator": {"name": "circuitcheck", "version": _version()},
            },
        }

    def _nodes(self) -> Iterator[dict[str, Any]]:
        """Every token, every node of the drawing once, and the answer's logit."""
        labels = self.drawing.labels
        written: set[str] = set()
        for node, name in self.names.ids.items():
            if name not in written:
                written.add(name)
                yield {**self.names.entry(node, labels.get(node, "")), NAME: str(node)}
        for index, token in enumerate(self.names.tokens):
            name = self.names.token_id(index)
            if name not in written:
                own = f"{name.rpartition('_')[0]}-{index}"
                yield entry(name, index, "E", index, EMBEDDING, own, token)
        prompts, last = self.names.prompts, len(self.names.tokens) - 1
        if prompts.has_answers:
            answer = prompts.answers[0]
            label, layer = f'Output "{self.names.tokenizer.decode(answer)}"', str(self.shape.n_layers + 1)
            yield entry(self._logit_id, answer, layer, last, LOGIT, f"L_{answer}-{last}", label)

    def _links(self) -> Iterator[dict[str, Any]]:
        ids = self.names.ids
        for edge in self.drawing.edges:
            yield {
                "source": ids[edge.source],
                "target": ids[edge.target],
                "weight": _WEIGHT,
                INPUT: edge.input,
            }
        for node in self.drawing.direct:
            yield {"source": ids[node], "target": self._logit_id, "weight": _WEIGHT}


def _plain(text: str) -> str:
    """Only the characters that Neuronpedia takes in names."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)


def _version() -> str:
    try:
        return version("circuitcheck")
    except PackageNotFoundError:
        return "unknown"

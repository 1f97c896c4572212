"""From a graph file of another tool to the text of a circuit file that validates and runs.

In: an `ImportRequest`. Out: an `Import`: the text, and what it cannot say of the graph. Nothing is written here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from circuitcheck.engine import Shape
from circuitcheck.exchange.choosing import Choice, chosen
from circuitcheck.exchange.circuit_file import CircuitFile
from circuitcheck.exchange.drafting import Draft, dictionaries_of
from circuitcheck.exchange.formats import graph_of
from circuitcheck.exchange.graph import ExchangeError, Graph
from circuitcheck.exchange.grouping import NamedNodes, groups_of
from circuitcheck.exchange.opening import read_graph_file
from circuitcheck.exchange.references import (
    dictionary_reference,
    has_answers,
    model_reference,
    prompts_reference,
    shape_of,
)
from circuitcheck.exchange.sizes import check_fits
from circuitcheck.nodes import ALL, Node, NodeKind
from circuitcheck.prompts.wording import counted, did_you_mean

_ATTENTION = "all-attention"
_ALIAS = "tc"


@dataclass(frozen=True)
class ImportRequest:
    """What is imported: the graph file, and what no graph file says of itself.

    `model`, `prompts` and `dictionaries` are as on the command line; `directory` is the folder of the circuit file
    to be, which relative paths in it start from.
    """

    path: Path
    model: str | None
    prompts: str | None
    format: str | None = None
    choice: Choice = field(default_factory=Choice)
    dictionaries: tuple[str, ...] = ()
    directory: Path = field(default_factory=Path)


@dataclass(frozen=True)
class Import:
    """A circuit file to be; `unsaid` are sentences about what of the graph it cannot say."""

    text: str
    unsaid: tuple[str, ...]
    nodes: int
    edges: int


def import_circuit(request: ImportRequest) -> Import:
    """The circuit file of a graph file.

    Raises:
        CircuitCheckError: in one sentence, for a file that cannot be read, does not fit the model, or names no circuit.
    """
    data = read_graph_file(request.path)
    sources = dict(dictionary_reference(text, request.directory) for text in request.dictionaries)
    graph = graph_of(request.path, data, request.format, next(iter(sources), _ALIAS))
    model = model_reference(request.model, request.directory)
    prompts = prompts_reference(request.prompts, request.directory)
    shape = shape_of(str(request.model))
    try:
        check_fits(graph, str(request.model), shape)
        part = chosen(graph, request.choice)
        _check_dictionaries(part, sources)
    except ValueError as error:
        raise ExchangeError(request.path, str(error)) from None
    return _Writing(request, part, shape, model, prompts, sources).result()


def _check_dictionaries(graph: Graph, sources: Mapping[str, Any]) -> None:
    """Refuse features of a dictionary that nobody said where to find."""
    for found in graph.nodes:
        alias = found.node.dictionary
        if alias and alias not in sources:
            known = f" {did_you_mean(alias, sources)}" if sources else ""
            msg = (
                f"it names features of a dictionary, such as {found.node}, and does not say where that is.{known} "
                f"Write --dictionary {alias}=FOLDER, or {alias}=saelens:RELEASE:ID."
            )
            raise ValueError(msg)


@dataclass(frozen=True)
class _Writing:
    """A chosen graph and everything that stands beside it in the circuit file."""

    request: ImportRequest
    graph: Graph
    shape: Shape | None
    model: Any
    prompts: Mapping[str, str]
    sources: Mapping[str, Mapping[str, Any]]

    def result(self) -> Import:
        groups = groups_of(self.graph)
        attention = self._attention()
        draft = Draft(
            self.graph,
            groups,
            self.request.path.name,
            _ATTENTION if attention else "",
            has_answers(self.prompts),
        )
        edges = tuple(draft.edges())
        unsaid = (*self.graph.unsaid, *self._beside(draft, attention))
        file = CircuitFile(
            comments=self._comments(draft.size, unsaid),
            header=self._header(),
            groups=(*groups, *attention),
            labels={found.node: found.label for found in self.graph.nodes},
            edges=edges,
            claims=tuple(draft.claims()),
        )
        return Import(file.text(), unsaid, nodes=draft.size, edges=len(edges))

    def _header(self) -> dict[str, Any]:
        name = self.request.path.name
        slug = re.sub(r"[^a-z0-9]+", "-", name.partition(".")[0].lower()).strip("-")
        ends = [node for edge in self.graph.edges for node in edge.ends]
        used = dictionaries_of(self.sources, [*(found.node for found in self.graph.nodes), *ends])
        return {
            "circuitcheck": 1,
            "circuit": slug or "imported",
            "title": f"{self.graph.format} of {name}",
            "source": name,
            "model": self.model,
            **({"dictionaries": used} if used else {}),
            "prompts": {**self.prompts, "n": 128},
        }

    def _comments(self, size: int, unsaid: tuple[str, ...]) -> list[str]:
        prompt = [f"It was made on the prompt {self.graph.prompt!r}."] if self.graph.prompt else []
        return [
            f"Imported from {self.request.path.name} ({self.graph.format}): "
            f"{counted(size, 'node')}, {counted(len(self.graph.edges), 'edge')}; {self.request.choice}.",
            *prompt,
            "Nothing is judged yet: put a threshold such as '>= 0.3' in the place of '?'.",
            *(["What this file cannot say of it:"] if unsaid else []),
            *(f"- {sentence}" for sentence in unsaid),
        ]

    def _attention(self) -> tuple[NamedNodes, ...]:
        """Every head at every token, where the graph takes attention as given and the model's size is known."""
        if not (self.graph.frozen_attention and self.shape):
            return ()
        heads = tuple(
            Node(NodeKind.HEAD, layer, head=head, at=ALL)
            for layer in range(self.shape.n_layers)
            for head in range(self.shape.n_heads)
        )
        return (NamedNodes(_ATTENTION, heads, "kept as it is, since the graph takes attention as given"),)

    def _beside(self, draft: Draft, attention: tuple[NamedNodes, ...]) -> list[str]:
        said = [
            "Which edges are left out: keep keeps nodes, with all edges between them; each edge is a claim of its own."
        ]
        direct = [edge for edge in self.graph.edges if edge.target is None]
        if direct and not draft.has_answers:
            said.append(
                f"{counted(len(direct), 'edge')} into the logits: these prompts have no answer to write for."
            )
        if any(found.node.at.isdecimal() for found in self.graph.nodes):
            said.append(
                "Roles: positions are indices of its own prompt's tokens after BOS; write roles where prompts differ."
            )
        if self.graph.frozen_attention and not attention:
            said.append(
                "Attention as given: the size of the model is not known here, so keep replaces its heads too."
            )
        return said

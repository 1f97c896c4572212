"""A drawing as a circuit of EAP-IG and MIB: nodes and edges that are in the circuit, by the names of the format.

EAP-IG, src/eap/graph.py, `from_json`: `cfg`, `nodes` and `edges`; what is not listed is not in the circuit, and every
edge that is needs a score.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from circuitcheck.engine import Shape
from circuitcheck.errors import ModelError
from circuitcheck.exchange.drawing import Drawing
from circuitcheck.exchange.mib import INPUT, LOGITS
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.shapes import model_shape
from circuitcheck.spec import CircuitSpec

_PARALLEL = frozenset({"gptj", "gpt_neox", "phi", "falcon"})
"""Architectures whose blocks run attention and MLP side by side, unless their config says otherwise."""
_ALL_INPUTS = ("q", "k", "v")


def mib_text(drawing: Drawing) -> tuple[str, tuple[str, ...]]:
    """The file, and what it cannot say.

    Raises:
        ModelError: in a sentence, when the size of the model is not known here.
    """
    folder = drawing.spec.model.folder(drawing.spec.directory)
    shape = model_shape(folder) if folder else None
    if folder is None or shape is None:
        msg = f"the format needs the size of the model, and {_model_name(drawing.spec)} is not on this disk. Write model: {{path: ..}}."
        raise ModelError(msg)
    names = [name for node in drawing.nodes if (name := name_of(node)) and name != INPUT]
    edges, added = _edges(drawing, list(dict.fromkeys(names)), shape)
    unsaid = (*drawing.unsaid, *_unsaid(drawing), *added)
    inside = {INPUT, LOGITS, *names}
    content = {
        "cfg": {
            "n_layers": shape.n_layers,
            "n_heads": shape.n_heads,
            "parallel_attn_mlp": _is_parallel(folder),
            "d_model": shape.d_model,
        },
        "nodes": {name: {"in_graph": name in inside} for name in _every_node(shape)},
        "edges": {name: {"score": 1.0, "in_graph": True} for name in edges},
        "circuitcheck": {"circuit": drawing.spec.circuit, "not_said_here": list(unsaid)},
    }
    return json.dumps(content, indent=1) + "\n", unsaid


def name_of(node: Node) -> str:
    """What the format calls the node, wherever it stands; "" where it has no name for it."""
    if node.kind is NodeKind.HEAD:
        return f"a{node.layer}.h{node.head}"
    if node.kind is NodeKind.MLP:
        return f"m{node.layer}"
    return INPUT if node.kind is NodeKind.EMBED else ""


def _edges(drawing: Drawing, names: list[str], shape: Shape) -> tuple[list[str], list[str]]:
    """The edges of the drawing, and what had to be added so that none of its nodes hangs loose."""
    drawn = [
        _edge(source, target, edge.input)
        for edge in drawing.edges
        if (source := name_of(edge.source)) and (target := name_of(edge.target))
    ]
    drawn += [f"{name}->{LOGITS}" for node in drawing.direct if (name := name_of(node))]
    edges = dict.fromkeys(drawn)
    if not edges:
        order = {name: rank for rank, name in enumerate(_every_node(shape))}
        every = _every_edge(sorted(names, key=order.__getitem__))
        return list(every), ["Which edges there are: the file names none, so all between its nodes are in."]
    loose = [edge for edge in _loose(names, edges) if edge not in edges]
    said = f"Where nodes without an edge read or write: {len(loose)} from the input or into the logits are added."
    return [*edges, *loose], [said] if loose else []


def _loose(names: list[str], edges: Mapping[str, None]) -> Iterator[str]:
    writing = {edge.partition("->")[0] for edge in edges}
    reading = {edge.partition("->")[2].partition("<")[0] for edge in edges}
    for name in names:
        if name not in reading:
            yield from _into(INPUT, name)
        if name not in writing:
            yield f"{name}->{LOGITS}"


def _every_edge(names: list[str]) -> Iterator[str]:
    """All edges between the nodes, in the order of the model, with the input and the logits."""
    for number, name in enumerate(names):
        yield from _into(INPUT, name)
        for later in names[number + 1 :]:
            if not (name[0] == later[0] == "a" and _layer(name) == _layer(later)):
                yield from _into(name, later)
        yield f"{name}->{LOGITS}"


def _into(source: str, target: str) -> Iterator[str]:
    inputs = _ALL_INPUTS if target.startswith("a") else ("in",)
    return (_edge(source, target, read) for read in inputs)


def _edge(source: str, target: str, read: str) -> str:
    return f"{source}->{target}" if read == "in" else f"{source}->{target}<{read}>"


def _layer(name: str) -> str:
    return name[1:].partition(".")[0]


def _every_node(shape: Shape) -> list[str]:
    """Every node of the model, in the order in which it computes them."""
    layers = (
        name
        for layer in range(shape.n_layers)
        for name in (*(f"a{layer}.h{head}" for head in range(shape.n_heads)), f"m{layer}")
    )
    return [INPUT, *layers, LOGITS]


def _unsaid(drawing: Drawing) -> Iterator[str]:
    nameless = [str(node) for node in drawing.nodes if not name_of(node)]
    if nameless:
        yield f"Nodes other than heads, MLPs and the input, which are left out: {', '.join(nameless)}."
    positions = dict.fromkeys(node.at for node in drawing.nodes if name_of(node) and node.at != "all")
    if positions:
        yield f"Positions: nodes stand at every token, and no longer at {', '.join(positions)}."
    yield "Names of groups and their labels."
    yield "Scores: a circuit file has none, so that every edge in the circuit has 1."


def _is_parallel(folder: Path) -> bool:
    config: Mapping[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return bool(config.get("use_parallel_residual", config.get("model_type") in _PARALLEL))


def _model_name(spec: CircuitSpec) -> str:
    return str(spec.model.name or spec.model.path or spec.model.bundled)

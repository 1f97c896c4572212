"""Circuits of EAP-IG and of the MIB benchmark: JSON, or the tensors of a `.pt` file.

In: the data of the file. Out: a `Graph`, every node at all positions, since the format has none.
EAP-IG, src/eap/graph.py, `to_json` and `to_pt`: nodes are input, a{layer}.h{head}, m{layer} and logits; edges
are named `a0.h1->m2`, with `<q>`, `<k>` or `<v>` behind a head that reads.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from circuitcheck.exchange.graph import Graph, GraphEdge, GraphNode
from circuitcheck.nodes import ALL, Node, NodeKind
from circuitcheck.spec.groups import Input

FORMAT = "EAP-IG or MIB circuit"
INPUT, LOGITS = "input", "logits"
_HEAD = re.compile(r"a(\d+)\.h(\d+)")
_MLP = re.compile(r"m(\d+)")
_EDGE = re.compile(r"(\S+)->([^\s<]+)(?:<([qkv])>)?")
_INPUTS: Mapping[str, Input] = {"q": "q", "k": "k", "v": "v"}
_DIMENSIONS = "Which dimensions of each node's output are in the circuit (neurons): a node is named whole."


def is_mib(data: Any) -> bool:
    """Whether the data are of this format, as far as its keys tell."""
    return isinstance(data, dict) and ({"nodes", "edges"} <= set(data) or _is_pt(data)) and "cfg" in data


def read_mib(data: Mapping[str, Any]) -> Graph:
    """The graph.

    Raises:
        ValueError: in a sentence without the file, for names and values that the format does not have.
    """
    tables = _of_tensors(data) if _is_pt(data) else data
    cfg, nodes, edges = (_mapping(tables, key) for key in ("cfg", "nodes", "edges"))
    scored = any("neurons" in _entry("node", name, entry) for name, entry in nodes.items())
    return Graph(
        format=FORMAT,
        nodes=tuple(_node(name, entry) for name, entry in nodes.items() if name not in (INPUT, LOGITS)),
        edges=tuple(_edge(name, _entry("edge", name, entry)) for name, entry in edges.items()),
        unsaid=("Positions: the format has none, so every node stands at all of them.",)
        + ((_DIMENSIONS,) if scored else ()),
        n_layers=_count(cfg, "n_layers"),
        n_heads=_count(cfg, "n_heads"),
    )


def node_of(name: str) -> Node | None:
    """The node that the format calls `name`; None for the logits.

    Raises:
        ValueError: when it is no name of the format.
    """
    if name == LOGITS:
        return None
    if name == INPUT:
        return Node(NodeKind.EMBED, at=ALL)
    if match := _HEAD.fullmatch(name):
        return Node(NodeKind.HEAD, int(match[1]), head=int(match[2]), at=ALL)
    if match := _MLP.fullmatch(name):
        return Node(NodeKind.MLP, int(match[1]), at=ALL)
    msg = f"{name!r} is not a node of the format. Its nodes are input, a9.h6, m9 and logits."
    raise ValueError(msg)


def _is_pt(data: Mapping[str, Any]) -> bool:
    return {"src_nodes", "dst_nodes", "edges_scores"} <= set(data)


def _of_tensors(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tables of JSON from matrices of shape (src_nodes, dst_nodes); cells that are no edge of a model hold 0."""
    sources, targets, scores = data["src_nodes"], data["dst_nodes"], data["edges_scores"]
    inside = data.get("edges_in_graph") or [[False] * len(targets)] * len(sources)
    marks = data.get("nodes_in_graph") or [False] * len(sources)
    node_scores = data.get("nodes_scores") or [None] * len(sources)
    if {len(scores), len(inside), len(marks), len(node_scores)} != {len(sources)} or {
        len(row) for row in (*scores, *inside)
    } != {len(targets)}:
        msg = "its tensors are not of the sizes that src_nodes and dst_nodes tell. Save the scores again."
        raise ValueError(msg)
    nodes = {
        name: {"in_graph": bool(marks[row]), "score": node_scores[row]} for row, name in enumerate(sources)
    }
    if data.get("neurons_in_graph") is not None:
        nodes = {name: {**entry, "neurons": []} for name, entry in nodes.items()}
    return {"cfg": data["cfg"], "nodes": nodes, "edges": dict(_cells(sources, targets, scores, inside))}


def _cells(sources: Any, targets: Any, scores: Any, inside: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for row, source in enumerate(sources):
        for column, target in enumerate(targets):
            if scores[row][column] or inside[row][column]:
                entry = {"score": scores[row][column], "in_graph": bool(inside[row][column])}
                yield f"{source}->{target}", entry


def _node(name: str, entry: Any) -> GraphNode:
    found, said = node_of(name), _entry("node", name, entry)
    assert found is not None, "the logits are left out before"
    return GraphNode(found, inside=said.get("in_graph") is True, score=score_of(said.get("score")))


def _edge(name: str, entry: Mapping[str, Any]) -> GraphEdge:
    found = _EDGE.fullmatch(name)
    source, target = (node_of(found[1]), node_of(found[2])) if found else (None, None)
    if found is None or source is None:
        msg = f"{name!r} is not an edge of the format. Its edges look like a0.h1->m2 or a0.h1->a1.h3<q>."
        raise ValueError(msg)
    read = _read_as(name, target, found[3])
    return GraphEdge(source, target, read, entry.get("in_graph") is True, score_of(entry.get("score")))


def _read_as(name: str, target: Node | None, letter: str | None) -> Input | None:
    reads = target.kind if target else None
    if (reads is NodeKind.HEAD) != (letter is not None) or reads is NodeKind.EMBED:
        msg = f"{name!r} is not an edge of the format. Heads read as <q>, <k> or <v>, MLPs and logits as they are."
        raise ValueError(msg)
    if target is None:
        return None
    return "in" if letter is None else _INPUTS[letter]


def score_of(value: Any) -> float | None:
    """A score as a number; None where there is none, or it is not finite, as EAP-IG marks what was not scored."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data[key]
    if not isinstance(value, dict):
        msg = f"its {key} are not a table of names. Save the circuit again."
        raise ValueError(msg)
    return value


def _entry(what: str, name: str, entry: Any) -> Mapping[str, Any]:
    """What is said of one node or edge; older files have only whether it is in the circuit."""
    if isinstance(entry, bool):
        return {"in_graph": entry}
    if not isinstance(entry, dict):
        msg = f"of {what} {name!r} it says neither score nor in_graph. Save the circuit again."
        raise ValueError(msg)
    return entry


def _count(cfg: Mapping[str, Any], key: str) -> int | None:
    value = cfg.get(key)
    return value if isinstance(value, int) and value > 0 else None

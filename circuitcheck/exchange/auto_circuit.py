"""Edges of auto-circuit by name: `A9.6->Resid End`, `MLP 1->A2.0.K`, `Resid Start->A0.1.Q`.

In: the data of the file: a list of names, or names with scores, alone or under `edges`. Out: a `Graph`, every
node at all positions. auto-circuit, auto_circuit/types.py (`Edge.name`) and model_utils/transformer_lens_utils.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from circuitcheck.exchange.graph import Graph, GraphEdge
from circuitcheck.exchange.mib import score_of
from circuitcheck.nodes import ALL, Node, NodeKind
from circuitcheck.spec.groups import Input

FORMAT = "auto-circuit edge list"
_START, _END = "Resid Start", "Resid End"
_HEAD = re.compile(r"A(\d+)\.(\d+)(?:\.([QKV]))?")
_MLP = re.compile(r"MLP (\d+)")
_INPUTS: Mapping[str | None, tuple[Input, ...]] = {
    "Q": ("q",), "K": ("k",), "V": ("v",), None: ("q", "k", "v"),
}  # fmt: skip


def is_auto_circuit(data: Any) -> bool:
    """Whether the first entry is named as this format names edges."""
    first = next(_entries(data), ("", None))[0]
    ends = first.split("->") if isinstance(first, str) else ()
    return len(ends) == 2 and _is_name(ends[0]) and _is_name(ends[1])


def read_auto_circuit(data: Any) -> Graph:
    """The graph.

    Raises:
        ValueError: in a sentence without the file, for names that the format does not have.
    """
    entries = list(_entries(data))
    edges = tuple(edge for name, value in entries for edge in _edges(name, value))
    unsaid = ["Positions: names of edges have none, so every node stands at all of them."]
    if any(re.search(r"->A\d+\.\d+$", str(name)) for name, _ in entries):
        unsaid.append("Heads that read by one input: such an edge is written as three, (q), (k) and (v).")
    return Graph(FORMAT, nodes=(), edges=edges, unsaid=tuple(unsaid))


def _entries(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every name with its score, or True where none is written."""
    if isinstance(data, dict):
        yield from _entries(data["edges"]) if "edges" in data else data.items()
    for entry in data if isinstance(data, list) else ():
        if isinstance(entry, list) and len(entry) == 2:
            yield entry[0], entry[1]
        else:
            yield entry, True


def _edges(name: Any, value: Any) -> Iterator[GraphEdge]:
    source, arrow, target = name.partition("->") if isinstance(name, str) else ("", "", "")
    if not (arrow and _is_name(source) and _is_name(target)):
        msg = f"{name!r} is not an edge of auto-circuit. They look like A0.1->A2.3.Q or MLP 2->Resid End."
        raise ValueError(msg)
    writes, reads = _node(source), _node(target)
    if writes is None or (reads is not None and reads.kind is NodeKind.EMBED):
        msg = f"{name!r} runs out of the end or into the start of the model. Save the edges again."
        raise ValueError(msg)
    # A number says how much an edge matters, not whether it is in the circuit.
    inside, score = (value, None) if isinstance(value, bool) else (False, score_of(value))
    for read in _read_as(target, reads):
        yield GraphEdge(writes, reads, read, inside, score)


def _read_as(name: str, reads: Node | None) -> tuple[Input | None, ...]:
    if reads is None:
        return (None,)
    head = _HEAD.fullmatch(name)
    return _INPUTS[head[3]] if head else ("in",)


def _is_name(text: str) -> bool:
    return text in {_START, _END} or bool(_HEAD.fullmatch(text) or _MLP.fullmatch(text))


def _node(name: str) -> Node | None:
    """The node of a name that is one; None for the end of the model."""
    if head := _HEAD.fullmatch(name):
        return Node(NodeKind.HEAD, int(head[1]), head=int(head[2]), at=ALL)
    if mlp := _MLP.fullmatch(name):
        return Node(NodeKind.MLP, int(mlp[1]), at=ALL)
    return Node(NodeKind.EMBED, at=ALL) if name == _START else None

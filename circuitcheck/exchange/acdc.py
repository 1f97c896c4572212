"""Edge lists of ACDC: (receiver hook, its index, sender hook, its index), each with what is known of the edge.

In: the data of the file: a dict by tuple (a `.pth` subgraph), by the tuple's text, or a list of tuples, with or
without the effect of each. Out: a `Graph`, every node at all positions. ACDC, acdc/TLACDCExperiment.py,
`save_subgraph` and `save_edges`; hook names are TransformerLens's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from circuitcheck.exchange.graph import Graph, GraphEdge
from circuitcheck.exchange.mib import score_of
from circuitcheck.nodes import ALL, Node, NodeKind
from circuitcheck.spec.groups import Input

FORMAT = "ACDC edge list"
_HOOK = re.compile(
    r"blocks\.(\d+)\.(attn\.hook_[qkv]|attn\.hook_result|hook_[qkv]_input|hook_mlp_(?:in|out))"
)
_EMBEDDINGS = ("blocks.0.hook_resid_pre", "hook_embed", "hook_pos_embed")
_LAST = re.compile(r"blocks\.\d+\.hook_resid_post")
_LETTERS: Mapping[str, Input] = {"q": "q", "k": "k", "v": "v"}
_Edge = tuple[str, Any, str, Any]


def is_acdc(data: Any) -> bool:
    """Whether the first entry is an edge of this format."""
    return next((edge is not None for edge, _ in _entries(data)), False)


def read_acdc(data: Any) -> Graph:
    """The graph.

    Raises:
        ValueError: in a sentence without the file, for hooks and entries that the format does not have.
    """
    edges: dict[str, GraphEdge] = {}
    for found, value in _entries(data):
        if found is None:
            msg = "an entry is not an edge of ACDC. Edges are [receiver hook, index, sender hook, index]."
            raise ValueError(msg)
        edge = _edge(found, value)
        if edge is not None:
            edges.setdefault(str(edge), edge)
    unsaid = ["Positions: hooks are taken whole, so every node stands at all of them."]
    if any(hook == "hook_pos_embed" for found, _ in _entries(data) if found for hook in found):
        unsaid.append("Token and position embeddings apart: both are embed.")
    return Graph(FORMAT, nodes=(), edges=tuple(edges.values()), unsaid=tuple(unsaid))


def _entries(data: Any) -> Iterator[tuple[_Edge | None, Any]]:
    """Every edge with what is said of it; None for an entry that is no edge."""
    if isinstance(data, dict):
        yield from ((_tuple(key), value) for key, value in data.items())
    for entry in data if isinstance(data, list) else ():
        pair = isinstance(entry, list | tuple) and len(entry) == 2
        yield (_tuple(entry[0]), entry[1]) if pair else (_tuple(entry), True)


def _tuple(value: Any) -> _Edge | None:
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    if not isinstance(value, list | tuple) or len(value) != 4:
        return None
    receiver, index, sender, sent = value
    return (receiver, index, sender, sent) if isinstance(receiver, str) and isinstance(sender, str) else None


def _edge(found: _Edge, value: Any) -> GraphEdge | None:
    """The edge; None for a step inside of a node, such as from a head's query input to its query."""
    receiver, sender = found[0], found[2]
    target, read = _end(receiver, found[1])
    source, _ = _end(sender, found[3])
    if source is None:
        msg = f"{sender!r} sends to {receiver!r}, and is no place that writes. Save the edges again."
        raise ValueError(msg)
    if source == target:
        return None
    score = None if isinstance(value, bool) else score_of(value)
    return GraphEdge(source, target, read, inside=value is not False, score=score)


def _end(hook: str, index: Any) -> tuple[Node | None, Input | None]:
    """The node of a hook, and how it reads there; (None, None) for the logits."""
    if hook in _EMBEDDINGS:
        return Node(NodeKind.EMBED, at=ALL), None
    if _LAST.fullmatch(hook):
        return None, None
    found = _HOOK.fullmatch(hook)
    if found is None:
        msg = f"{hook!r} is not a hook of ACDC that is known. They look like blocks.9.attn.hook_result."
        raise ValueError(msg)
    layer, place = int(found[1]), found[2]
    if "mlp" in place:
        return Node(NodeKind.MLP, layer, at=ALL), "in"
    letter = re.search(r"hook_([qkv])", place)
    return Node(NodeKind.HEAD, layer, head=_head(hook, index), at=ALL), _LETTERS[
        letter[1]
    ] if letter else None


def _head(hook: str, index: Any) -> int:
    """The head of an index such as [null, null, 6]."""
    parts = index if isinstance(index, list | tuple) else [index]
    head = parts[-1] if parts else None
    if not isinstance(head, int) or isinstance(head, bool) or head < 0 or any(parts[:-1]):
        msg = f"the index {index!r} of {hook} names no head at all positions. Write it as [null, null, 6]."
        raise ValueError(msg)
    return head

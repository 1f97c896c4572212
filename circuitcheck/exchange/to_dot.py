"""A drawing in DOT, the language of Graphviz: layers from bottom to top, a frame around each group."""

from __future__ import annotations

from collections.abc import Iterator

from circuitcheck.exchange.drawing import Drawing
from circuitcheck.nodes import Node

_LOGITS = "logits"


def dot_text(drawing: Drawing) -> tuple[str, tuple[str, ...]]:
    """The file, and what it cannot say."""
    shared = {node for node in drawing.nodes if sum(node in nodes for nodes in drawing.groups.values()) > 1}
    several = f"Nodes of several groups are framed with the first: {', '.join(map(str, shared))}."
    unsaid = (*drawing.unsaid, *([several] if shared else []))
    return "\n".join(_lines(drawing, unsaid)) + "\n", unsaid


def _lines(drawing: Drawing, unsaid: tuple[str, ...]) -> Iterator[str]:
    yield from (f"// Not said here: {' '.join(sentence.split())}" for sentence in unsaid)
    yield f"digraph {_quoted(drawing.spec.circuit)} {{"
    yield f"  rankdir=BT; label={_quoted(drawing.spec.title)}; node [shape=box];"
    framed: set[Node] = set()
    for name, nodes in drawing.groups.items():
        label = drawing.spec.nodes[name].label
        yield f"  subgraph {_quoted(f'cluster_{name}')} {{"
        yield f"    label={_quoted(f'{name}: {label}' if label else name)};"
        yield from (f"    {_quoted(str(node))};" for node in nodes if node not in framed)
        framed |= set(nodes)
        yield "  }"
    yield from (f"  {_quoted(str(node))};" for node in drawing.nodes if node not in framed)
    for edge in drawing.edges:
        yield f"  {_quoted(str(edge.source))} -> {_quoted(str(edge.target))} [label={_quoted(edge.input)}];"
    yield from (f"  {_quoted(str(node))} -> {_LOGITS};" for node in drawing.direct)
    yield "}"


def _quoted(text: str) -> str:
    """The text as a DOT string: in a quoted one only quotes and backslashes mean anything."""
    visible = "".join(c if c.isprintable() else " " for c in text)
    return '"' + visible.replace("\\", "\\\\").replace('"', '\\"') + '"'

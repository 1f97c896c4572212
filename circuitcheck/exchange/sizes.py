"""Whether a graph fits a model, as far as the model's config and the graph's own tell."""

from __future__ import annotations

from circuitcheck.engine import Shape
from circuitcheck.exchange.graph import Graph
from circuitcheck.nodes import Node
from circuitcheck.prompts.wording import counted


def check_fits(graph: Graph, model: str, shape: Shape | None) -> None:
    """Refuse a graph of another model; nothing is checked of a model whose shape is not known here.

    Raises:
        ValueError: in a sentence without the file.
    """
    layers, heads = graph.n_layers, graph.n_heads
    if shape and layers and heads and (layers, heads) != (shape.n_layers, shape.n_heads):
        msg = (
            f"it is of a model with {_size(layers, heads)}, and {model} has {_size(shape.n_layers, shape.n_heads)}. "
            "Name the graph's own model with --model."
        )
        raise ValueError(msg)
    if shape is not None:
        layers, heads = shape.n_layers, shape.n_heads
    nodes = dict.fromkeys(
        [*(found.node for found in graph.nodes), *(node for edge in graph.edges for node in edge.ends)]
    )
    beyond = [node for node in nodes if _is_beyond(node, layers, heads)]
    if beyond:
        others = f" and {len(beyond) - 1} more" if len(beyond) > 1 else ""
        whose = f"{model} has" if shape else "its own cfg says"
        msg = (
            f"it names {beyond[0].name}{others}, and {whose} {_size(layers or 0, heads)}. "
            "Name the graph's own model with --model, or save the graph again."
        )
        raise ValueError(msg)


def _is_beyond(node: Node, layers: int | None, heads: int | None) -> bool:
    return (layers is not None and (node.layer or 0) >= layers) or (
        heads is not None and (node.head or 0) >= heads
    )


def _size(layers: int, heads: int | None) -> str:
    return counted(layers, "layer") + (f" of {counted(heads, 'head')}" if heads else "")

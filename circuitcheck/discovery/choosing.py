"""From scores to a circuit: the first of a ranking, those above a threshold, or what grows from the logits.

In: `Scores`. Out: nodes or edges; and `Chosen`, the smallest set found that meets a target of faithfulness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from circuitcheck.discovery.faithfulness import Curve, Faithfulness, Recovery
from circuitcheck.discovery.scores import By, Edge, Item, Scores
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import ALL, Node, NodeKind

CURVE_POINTS = 12


def top(scores: Scores[Item], n: int, by: By = "size") -> tuple[Item, ...]:
    """The first n."""
    return tuple(item for item, _ in scores.ranked(by)[:n])


def above(scores: Scores[Item], threshold: float, by: By = "size") -> tuple[Item, ...]:
    """Those whose mean effect reaches the threshold, the largest first."""
    return tuple(
        item for item, effect in scores.ranked(by) if (abs(effect) if by == "size" else effect) >= threshold
    )


def grown(scores: Scores[Edge], n: int) -> tuple[Edge, ...]:
    """At most n edges, grown from the logits: the best edge into what is there already, again and again.

    What no path from the embedding leads to is taken away in the end.
    """
    there: set[Node | None] = {None}
    waiting = [edge for edge, _ in scores.ranked()]
    taken: list[Edge] = []
    while len(taken) < n:
        best = next((edge for edge in waiting if _reader(edge) in there), None)
        if best is None:
            break
        waiting.remove(best)
        taken.append(best)
        there.add(_bare(best.source))
    return connected(taken)


def connected(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """Edges that lie on a path from the embedding to the logits, in the order given."""
    left = list(edges)
    while True:
        written = {_reader(edge) for edge in left} | {Node(NodeKind.EMBED)}
        read = {_bare(edge.source) for edge in left} | {None}
        kept = [edge for edge in left if _bare(edge.source) in written and _reader(edge) in read]
        if len(kept) == len(left):
            return tuple(kept)
        left = kept


def _bare(node: Node) -> Node:
    return replace(node, at="")


def _reader(edge: Edge) -> Node | None:
    """The head or MLP that the edge leads into; None for the logits. A group of heads is its first number."""
    target = edge.target
    if target is None or target.kind is NodeKind.MLP:
        return None if target is None else _bare(target)
    return Node(NodeKind.HEAD, target.layer, head=target.head if target.head is not None else target.group)


@dataclass(frozen=True)
class Chosen:
    """A circuit, what it recovers on the prompts it was chosen on, and the curve of the ranking it came from."""

    nodes: tuple[Node, ...]
    recovery: Recovery
    curve: Curve


def smallest(
    asked: Faithfulness, ranking: Sequence[Node], target: float, widening: Sequence[Node] = ()
) -> Chosen:
    """The shortest start of a ranking that surely meets the target, less what it can do without.

    Nodes at `all` of `widening` are added one after the other, in their order, where the whole ranking falls short;
    they take in what the same head does at single positions.

    Raises:
        MeasurementError: when all of it recovers less than the target; with the best that there is.
    """
    sizes, found = _curve(asked, ranking)
    first = next((place for place, one in enumerate(found) if one.nearness >= target), None)
    if first is not None:
        between = range((sizes[first - 1] if first else 0) + 1, sizes[first] + 1)
        starts = [tuple(ranking[:size]) for size in between]
    else:
        starts = [_absorbed((*widening[: number + 1], *ranking)) for number in range(len(widening))]
    tried = asked.of(starts) if starts else []
    met = next((place for place, one in enumerate(tried) if one.nearness >= target), None)
    if met is None:
        best = max([*found, *tried], key=lambda one: one.nearness)
        msg = (
            f"no circuit of these kinds recovers {target:g} for sure: the best recovers {best.lowest:.2f} in its "
            f"weakest order, of {len(ranking) + len(widening)} nodes that were looked at. Ask for less, take more "
            "prompts, or let more kinds in."
        )
        raise MeasurementError(msg)
    shares = (0.0, *(size / len(ranking) for size in sizes))
    curve = Curve(shares, (0.0, *(one.lowest for one in found)))
    return Chosen(*_pruned(asked, starts[met], tried[met], target), curve)


def _curve(asked: Faithfulness, ranking: Sequence[Node]) -> tuple[list[int], list[Recovery]]:
    """Starts of growing length and what each recovers."""
    grid = np.unique(np.round(np.geomspace(1, len(ranking), CURVE_POINTS)).astype(int)).tolist()
    return grid, asked.of([tuple(ranking[:size]) for size in grid])


def _absorbed(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes without those whose head or MLP is there at every position already."""
    everywhere = {_bare(node) for node in nodes if node.at == ALL}
    return tuple(node for node in nodes if node.at == ALL or _bare(node) not in everywhere)


def _pruned(
    asked: Faithfulness, nodes: tuple[Node, ...], recovery: Recovery, target: float
) -> tuple[tuple[Node, ...], Recovery]:
    """Again and again without those that are missed least, as many as can be at once while the target is surely met."""
    while len(nodes) > 1:
        places = range(len(nodes))
        alone = asked.of([nodes[:place] + nodes[place + 1 :] for place in places])
        least_missed = sorted(places, key=lambda place: -alone[place].nearness)
        sizes = [2**power for power in range(len(nodes).bit_length()) if 2**power < len(nodes)]
        left = [
            tuple(nodes[place] for place in places if place not in set(least_missed[:size])) for size in sizes
        ]
        found = [
            (fewer, one) for fewer, one in zip(left, asked.of(left), strict=True) if one.nearness >= target
        ]
        if not found:
            break
        nodes, recovery = min(found, key=lambda one: len(one[0]))
    return nodes, recovery

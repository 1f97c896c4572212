"""Which requests are measured in one go before they are stored.

In: requests that are missing. Out: chunks of them, the same for the same requests, so that a measurement is the
same to the last bit on a fast and a slow machine. A chunk is lost when its process is killed; but each runs the
untouched passes again, so a chunk has to be worth many of those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from circuitcheck.engine import Condition, KeepOnly, Replace, Request, Route, Steer
from circuitcheck.nodes import ALL, ALL_WITH_BOS, END, Node

PASSES_PER_CHUNK = 30.0
"""About ten times what the untouched passes of a chunk cost (clean, corrupt, donors)."""
_AT_END, _AT_ROLE = 0.2, 0.5
"""What an intervention at END, or at one other position, costs of a pass from its layer on."""


def chunks_of(
    requests: Sequence[Request], n_layers: int, passes: float = PASSES_PER_CHUNK
) -> Iterator[tuple[Request, ...]]:
    """Chunks worth about `passes` whole passes; requests of one condition stay together.

    Conditions that share a side, a first layer and a position come behind each other, since an engine runs
    them as one pass.
    """
    together: dict[Condition, list[Request]] = {}
    for request in requests:
        together.setdefault(request.condition, []).append(request)
    chunk: list[Request] = []
    spent = 0.0
    for condition in sorted(together, key=_likeness):
        if chunk and spent + passes_of(condition, n_layers) > passes:
            yield tuple(chunk)
            chunk, spent = [], 0.0
        chunk += together[condition]
        spent += passes_of(condition, n_layers)
    if chunk:
        yield tuple(chunk)


def passes_of(condition: Condition, n_layers: int) -> float:
    """About how many whole passes a condition costs, in [0, 1]."""
    if condition.intervention is None:
        return 0.0
    nodes = _nodes(condition)
    if not nodes or not isinstance(condition.intervention, Replace | Steer | Route):
        return 1.0
    depth = 1 - _first_layer(nodes) / n_layers
    return depth * max(_share_of_positions(node) for node in nodes)


def _nodes(condition: Condition) -> tuple[Node, ...]:
    """Where it changes something."""
    if isinstance(condition.intervention, Route):
        return condition.intervention.receivers
    nodes: tuple[Node, ...] = getattr(condition.intervention, "nodes", ())
    return nodes


def _first_layer(nodes: tuple[Node, ...]) -> int:
    return min((node.layer or 0 for node in nodes), default=0)


def _share_of_positions(node: Node) -> float:
    if node.at in {ALL, ALL_WITH_BOS}:
        return 1.0
    return _AT_END if node.at == END else _AT_ROLE


def _likeness(condition: Condition) -> tuple[bool, str, bool, int, str]:
    nodes = _nodes(condition)
    keeps = isinstance(condition.intervention, KeepOnly)
    at = ",".join(sorted({node.at for node in nodes}))
    return condition.intervention is not None, condition.side, keeps, _first_layer(nodes), at

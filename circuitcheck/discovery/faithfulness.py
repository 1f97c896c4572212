"""How much of the behaviour sets of nodes keep when all else in their scope is averaged away.

In: an engine, prompts, sets of nodes. Out: `recovered` of each set, and the curve of a whole ranking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from circuitcheck.engine import (
    CLEAN,
    Condition,
    Engine,
    KeepOnly,
    MetricName,
    MetricReading,
    Plan,
    Progress,
    Request,
    Scope,
    Source,
    Values,
)
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet

MEAN = Source("mean")


@dataclass(frozen=True)
class Faithfulness:
    """Asks how faithful sets of nodes are, on prompts that stay the same."""

    engine: Engine
    prompts: PromptSet
    references: PromptSet
    scope: Scope = "heads"
    metric: MetricName = "logit_diff"
    progress: Progress | None = None

    def recovered(self, circuits: Sequence[tuple[Node, ...]]) -> list[float]:
        """(a - e) / (m - e) of each set, in the order where it is lowest; all are measured in one call.

        m is the metric of the whole model, a with the set kept, e with nothing kept (Marks et al. 2024, sec. 3.2).
        """
        reading = MetricReading(self.metric)
        requests = [Request(self._keeping(nodes), reading) for nodes in circuits]
        clean, empty = Request(CLEAN, reading), Request(self._keeping(()), reading)
        plan = Plan.of([clean, empty, *requests])
        values = self.engine.measure(plan, self.prompts, self.references, self.progress).values
        orders = np.array([order for _, order in self.prompts.cells])
        return [
            min(
                _ratio(values[request] - values[empty], values[clean] - values[empty], orders == order)
                for order in np.unique(orders)
            )
            for request in requests
        ]

    def _keeping(self, nodes: tuple[Node, ...]) -> Condition:
        return Condition("clean", KeepOnly(nodes, MEAN, self.scope))


def scope_of(nodes: Sequence[Node]) -> Scope:
    """Heads alone, unless an MLP is among the nodes."""
    return "heads+mlps" if any(node.kind is NodeKind.MLP for node in nodes) else "heads"


def _ratio(above: Values, below: Values, rows: np.ndarray) -> float:
    return float(above[rows].mean() / below[rows].mean())


@dataclass(frozen=True)
class Curve:
    """How faithful the first nodes of a ranking are: shares of all nodes, ascending from 0 to 1, and `recovered`."""

    shares: tuple[float, ...]
    recovered: tuple[float, ...]

    @property
    def cpr(self) -> float:
        """Area under the curve: larger where few nodes recover much (Mueller et al. 2025, MIB, sec. 3)."""
        return float(np.trapezoid(self.recovered, self.shares))

    @property
    def cmd(self) -> float:
        """Area between the curve and 1: smaller where few nodes are as good as the model (as above)."""
        return float(np.trapezoid(np.abs(1 - np.array(self.recovered)), self.shares))

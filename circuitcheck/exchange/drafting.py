"""The claims of an imported circuit: all are measured and none is judged, until somebody sets thresholds.

In: a chosen `Graph` and its groups. Out: claims and edges as the data of a circuit file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from circuitcheck.exchange.graph import Graph
from circuitcheck.exchange.grouping import NamedNodes
from circuitcheck.nodes import END, Node
from circuitcheck.prompts.wording import counted
from circuitcheck.spec.words import KINDS
from circuitcheck.thresholds import UNJUDGED


@dataclass(frozen=True)
class Draft:
    """What claims are made of.

    `attention` is the group of every head, kept beside the graph's own nodes; "" where there is none. `has_answers`
    is whether the prompts have a right and a wrong answer.
    """

    graph: Graph
    groups: tuple[NamedNodes, ...]
    source: str
    attention: str
    has_answers: bool

    def claims(self) -> Iterator[dict[str, Any]]:
        """The behaviour, all nodes kept, each group ablated, and what writes the answer directly."""
        measured = ("logit_diff", "accuracy") if self.has_answers else ("loss",)
        yield {
            "id": "behaviour",
            "says": f"How well the model does what {self.source} is about.",
            "measure": "clean",
            "expect": dict.fromkeys(measured, UNJUDGED),
        }
        if kept := self._kept():
            yield self._keeping(kept)
        yield from self._ablations()
        if writers := self.writers:
            yield {
                "id": "direct-effect",
                "says": f"What {counted(len(writers), 'node')} with an edge into the logits in {self.source} "
                "write for the answer.",
                "writes": [f"{node.name}@{END}" for node in writers],
                "expect": {"logits": UNJUDGED},
            }

    @property
    def writers(self) -> tuple[Node, ...]:
        """The nodes with an edge into the logits, where prompts have an answer to write for."""
        direct = dict.fromkeys(edge.source for edge in self.graph.edges if edge.target is None)
        return tuple(direct) if self.has_answers else ()

    @property
    def size(self) -> int:
        """How many nodes of the graph stand in groups."""
        return len({node for group in self.groups for node in group.nodes})

    def edges(self) -> Iterator[tuple[dict[str, Any], str]]:
        """The edges between nodes, each with the words for its score."""
        quantity = "lost" if self.has_answers else "effect"
        for edge in self.graph.edges:
            if edge.target is not None:
                what = "score" if self.graph.patches else "weight"
                said = "not scored" if edge.score is None else f"{what} {edge.score:.4g}"
                yield {"edge": str(edge), "expect": {quantity: UNJUDGED}}, said

    def _kept(self) -> list[str]:
        """Groups that `keep` takes whole, and the nodes that it takes of the others."""
        kinds = KINDS["keep"]
        kept: list[str] = []
        for group in self.groups:
            takes = [node for node in group.nodes if node.kind in kinds]
            kept += [group.name] if len(takes) == len(group.nodes) else [str(node) for node in takes]
        return list(dict.fromkeys(kept))

    def _keeping(self, kept: Sequence[str]) -> dict[str, Any]:
        beside = " beside all attention" if self.attention else ""
        return {
            "id": "kept",
            "says": f"How much the {counted(self.size, 'node')} of {self.source} alone{beside} recover{self._scored(self.graph.scores)}.",
            "keep": [*kept, *([self.attention] if self.attention else [])],
            "with": "corrupt" if self.graph.patches else "mean",
            # Tools that patch replace all else, MLPs too, and a transcoder's features stand for MLPs.
            "scope": "heads+mlps",
            "expect": {"recovered" if self.has_answers else "effect": UNJUDGED},
        }

    def _ablations(self) -> Iterator[dict[str, Any]]:
        taken: set[str] = set()
        for group in self.groups:
            name = f"without-{re.sub(r'[^a-z0-9]+', '-', group.name.lower()).strip('-')}"
            name = name if name not in taken else f"{name}-{len(taken)}"
            taken.add(name)
            scored = self._scored(self.graph.scores_at(group.nodes))
            yield {
                "id": name,
                "says": f"How much goes without {group.name}, {counted(len(group.nodes), 'node')} of "
                f"{self.source}{scored}.",
                "ablate": group.name,
                "with": "corrupt" if self.graph.patches else "resample",
                "expect": {"drop" if self.has_answers else "effect": UNJUDGED},
            }

    def _scored(self, scores: Sequence[float]) -> str:
        if not scores:
            return ""
        low, high = min(scores), max(scores)
        what = "weights" if not self.graph.patches else "scores"
        return f" ({what} of {low:.3g})" if low == high else f" ({what} from {low:.3g} to {high:.3g})"


def dictionaries_of(sources: Mapping[str, Mapping[str, Any]], nodes: Sequence[Node]) -> dict[str, Any]:
    """Of the dictionaries that were given, those that the nodes are of."""
    used = {node.dictionary for node in nodes}
    return {alias: dict(source) for alias, source in sources.items() if alias in used}

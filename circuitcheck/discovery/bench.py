"""How well each method finds planted circuits: `python -m circuitcheck.discovery.bench`.

In: the number of wirings. Out: a Markdown table on standard output: per kind of circuit and method the AUROC of heads (of
edges: of the heads that they join), and the cost in forward passes. The truth is that of resampling: a head that writes
the same on every prompt is in no pair's difference, so the enabler counts as outside.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from tabulate import tabulate

from circuitcheck import planted
from circuitcheck.discovery.acdc import acdc
from circuitcheck.discovery.attribution import attribution
from circuitcheck.discovery.edge_attribution import edge_attribution
from circuitcheck.discovery.scan import exact_scores, heads_of
from circuitcheck.discovery.scores import Edge, Scores, auroc
from circuitcheck.engines import LensEngine
from circuitcheck.nodes import ALL, Node, NodeKind
from circuitcheck.planted import Planted
from circuitcheck.prompts.build import build_prompts
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.prompts.tokens import Tokenizer

WIRINGS = 3
PAIRS = 32
ACDC_THRESHOLD = 0.01
ALWAYS_THE_SAME = frozenset({"enabler"})
"""Groups that no difference between clean and corrupt shows."""


@dataclass(frozen=True)
class Trial:
    """One planted model with its prompts."""

    planted: Planted

    @cached_property
    def prompts(self) -> PromptSet:
        """Pairs of its family."""
        claim = {"id": "task", "says": "It does the task.", "measure": "clean", "expect": {"logit_diff": "?"}}
        backend = self.planted.bridge.tokenizer
        tokenizer = Tokenizer.from_backend(backend.backend_tokenizer, backend.bos_token_id)
        return build_prompts(self.planted.spec([claim], n=PAIRS).prompts, tokenizer, base=Path())

    @cached_property
    def heads(self) -> tuple[Node, ...]:
        """All of them, at every position."""
        return heads_of(self.planted.model.shape, ALL)

    @cached_property
    def truth(self) -> tuple[Node, ...]:
        """The heads of the circuit."""
        claim = {"id": "task", "says": "It does the task.", "measure": "clean", "expect": {"logit_diff": "?"}}
        groups = self.planted.spec([claim]).nodes
        named = {
            replace(node, at=ALL)
            for name, group in groups.items()
            if name not in ALWAYS_THE_SAME
            for node in group.nodes
            if node.kind is NodeKind.HEAD
        }
        return tuple(head for head in self.heads if head in named)

    def scan(self, *, denoising: bool) -> Scores[Node]:
        """Exact."""
        engine = LensEngine(self.planted.model, {})
        return exact_scores(engine, self.heads, self.prompts, denoising=denoising)

    def of_edges(self, edges: Scores[Edge]) -> Scores[Node]:
        """Heads by the largest of the edges that leave them."""
        sizes = np.abs(edges.effects)
        rows = []
        for head in self.heads:
            leaving = [row for row, edge in enumerate(edges.items) if edge.source == head]
            rows.append(edges.per_prompt[max(leaving, key=lambda row: float(sizes[row]))])
        return Scores(edges.method, self.heads, np.stack(rows), edges.drawn, edges.strata, edges.cost)


Method = Callable[[Trial], Scores[Node]]


def methods() -> Mapping[str, Method]:
    """Every method by its name."""

    def nodes(trial: Trial, **options: object) -> Scores[Node]:
        return attribution(trial.planted.model, trial.heads, trial.prompts, **options)  # type: ignore[arg-type]  # passed on

    def edges(trial: Trial, **options: object) -> Scores[Node]:
        return trial.of_edges(edge_attribution(trial.planted.model, trial.prompts, **options))  # type: ignore[arg-type]  # passed on

    def cut(trial: Trial) -> Scores[Node]:
        return trial.of_edges(acdc(trial.planted.model, trial.prompts, threshold=ACDC_THRESHOLD).scores)

    return {
        "scan": lambda trial: trial.scan(denoising=False),
        "scan-denoising": lambda trial: trial.scan(denoising=True),
        "attribution": nodes,
        "attribution-at-corrupt": partial(nodes, where="corrupt"),
        "integrated-gradients": partial(nodes, where="between", steps=5),
        "eap": partial(edges, along="clean"),
        "eap-clean-corrupt": partial(edges, along="clean-corrupt"),
        "eap-ig": partial(edges, along="inputs"),
        "acdc": cut,
    }


def table(wirings: int, chosen: Sequence[str]) -> str:
    """The table, as Markdown."""
    rows = []
    for kind in ("chain", "both"):
        trials = [
            Trial(getattr(planted, kind)(seed, n_truth=64, exact_passes=False)) for seed in range(wirings)
        ]
        for name in chosen:
            found = [methods()[name](trial) for trial in trials]
            aurocs = [auroc(scores, trial.truth) for scores, trial in zip(found, trials, strict=True)]
            cost = np.mean([scores.cost for scores in found])
            rows.append([kind, name, np.mean(aurocs), min(aurocs), cost])
    headers = ["circuit", "method", "AUROC", "lowest", "forward passes"]
    return tabulate(rows, headers=headers, tablefmt="github", floatfmt=("", "", ".3f", ".3f", ".0f"))


if __name__ == "__main__":
    sys.stdout.write(table(WIRINGS, sys.argv[1:] or list(methods())) + "\n")

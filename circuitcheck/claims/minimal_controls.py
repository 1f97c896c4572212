"""Each node of a minimal circuit against random nodes from outside: is it worth more to the circuit than they are?

C is the circuit, v one of its nodes, w a node of the same kind at the same position outside of C. What v is worth is
|m(C) - m(C - v)| / m(M); what w is worth |m(C + w) - m(C)| / m(M). Shi et al. 2024, "Hypothesis Testing the Circuit
Hypothesis in LLMs", ask the same of edges; here every node has to beat the others, and nodes that do not are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import only
from circuitcheck.claims.controls import seed_of, versus_of
from circuitcheck.claims.quantities import Ratio
from circuitcheck.claims.random_circuits import nodes_like
from circuitcheck.claims.requests import metric
from circuitcheck.claims.strength import weaker_and_tied
from circuitcheck.claims.verbs.metrics import ratio_sample
from circuitcheck.engine import CLEAN, Condition, Request, Shape
from circuitcheck.nodes import Node
from circuitcheck.statistics import Beaten, Tails, beats_share, holm
from circuitcheck.verdict import Controls, Outcome

AGAINST = "nodes from outside the circuit"


@dataclass(frozen=True)
class Outsiders:
    """For each node of a circuit, the nodes that it is compared with; `is_exhaustive` where they are all there are."""

    of: Mapping[Node, tuple[Node, ...]]
    is_exhaustive: bool


@dataclass(frozen=True)
class _Standing:
    """One node beside its outsiders: what each is worth, as a share of the clean metric."""

    node: Node
    worth: float
    others: tuple[float, ...]
    is_exhaustive: bool

    @property
    def beaten(self) -> Beaten:
        wins, ties = weaker_and_tied(self.worth, self.others)
        return Beaten(wins, len(self.others) - wins - ties, ties, self.is_exhaustive)


def outsiders(case: Case, shape: Shape) -> Outsiders:
    """Up to as many nodes as the claim wants for each of its own, the same for the same seed."""
    circuit, wanted = case.claim.nodes(case.spec), versus_of(case.claim).number
    generator = np.random.default_rng(seed_of(case.claim, case.prompts))
    drawn: dict[tuple[str, str], tuple[Node, ...]] = {}
    exhaustive = True
    for node in circuit:
        if (node.kind, node.at) in drawn:
            continue
        outside = [other for other in nodes_like(node, shape) if other not in circuit]
        if len(outside) > 2 * wanted:
            exhaustive = False
            chosen = generator.choice(len(outside), wanted, replace=False)
            outside = [outside[at] for at in chosen.tolist()]
        drawn[node.kind, node.at] = tuple(outside)
    return Outsiders({node: drawn[node.kind, node.at] for node in circuit}, exhaustive)


def worth_requests(case: Case, found: Outsiders) -> list[Request]:
    """The metric of the circuit as it is, without each node, and with each outsider."""
    circuit = case.claim.nodes(case.spec)
    fewer = [_without(case, node) for node in circuit]
    more = [_with(case, other) for other in dict.fromkeys(chain.from_iterable(found.of.values()))]
    return [metric(condition, case.metric) for condition in (CLEAN, case.condition, *fewer, *more)]


def judge_worth(case: Case, found: Outsiders, alpha_side: float) -> Controls:
    """Whether every node beats its outsiders; the node that beats fewest is the one that is shown.

    Supported where that is shown of every node; refuted where the opposite is shown of any, corrected over nodes (Holm).
    """
    versus = versus_of(case.claim)
    standings = [_standing(case, node, others, found) for node, others in found.of.items() if others]
    shown = Controls(
        quantity="loses",
        effect=float("nan"),
        effects=(),
        beaten=0.0,
        required=versus.beats,
        n=len(case.prompts),
        seed=seed_of(case.claim, case.prompts),
        outcome=Outcome.INCONCLUSIVE,
        reason="there is no other node of this kind at this position",
        pools={str(node): len(others) for node, others in found.of.items()},
        against=AGAINST,
        is_exhaustive=found.is_exhaustive,
    )
    if len(standings) < len(found.of):
        return shown
    worst = min(standings, key=lambda standing: standing.beaten.wins / standing.beaten.drawn)
    outcome, reason = _ruling(standings, versus.beats, alpha_side)
    if not case.claim.leading[1].judged:
        outcome, reason = Outcome.MEASURED, ""
    return replace(
        shown,
        effect=worst.worth,
        effects=worst.others,
        beaten=worst.beaten.wins / worst.beaten.drawn,
        outcome=outcome,
        reason=reason,
    )


def _ruling(standings: Sequence[_Standing], share: float, alpha_side: float) -> tuple[Outcome, str]:
    tails: list[Tails] = [beats_share(standing.beaten, share) for standing in standings]
    if all(found.support <= alpha_side for found in tails):
        return Outcome.SUPPORTED, ""
    idle = holm([found.refute for found in tails], alpha_side)
    named = [standing for standing, is_idle in zip(standings, idle, strict=True) if is_idle]
    undecided = [
        standing for standing, found in zip(standings, tails, strict=True) if found.support > alpha_side
    ]
    told = "; ".join(_told(standing, share) for standing in named or undecided)
    return (Outcome.REFUTED if named else Outcome.INCONCLUSIVE), told


def _told(standing: _Standing, share: float) -> str:
    beaten = standing.beaten
    return f"{standing.node} is worth more than {beaten.wins} of {beaten.drawn} {AGAINST}, {share:g} of them needed"


def _standing(case: Case, node: Node, others: tuple[Node, ...], found: Outsiders) -> _Standing:
    return _Standing(
        node,
        _worth(case, case.condition, _without(case, node)),
        tuple(_worth(case, _with(case, other), case.condition) for other in others),
        found.is_exhaustive,
    )


def _worth(case: Case, more: Condition, fewer: Condition) -> float:
    clean, first, second = (case.value(metric(one, case.metric)) for one in (CLEAN, more, fewer))
    return abs(ratio_sample(Ratio(first - second, clean), case.strata).estimate)


def _without(case: Case, node: Node) -> Condition:
    return only(case.condition, (other for other in case.claim.nodes(case.spec) if other != node))


def _with(case: Case, other: Node) -> Condition:
    return only(case.condition, (*case.claim.nodes(case.spec), other))

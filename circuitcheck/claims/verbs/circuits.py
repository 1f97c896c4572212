"""`complete` and `minimal`: whether a circuit holds all that matters, and nothing that does not.

C is the circuit, M the whole model, K a part of C. F(C without K) keeps only what is left of C; F(M without K) knocks
K out of the whole model. Both replace as the claim says. Wang et al. 2023, sec. 4.1 and 4.2, as shares of m(M).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import Aliases, condition_of, knocked_out, only
from circuitcheck.claims.parts_of_circuits import CircuitPart, parts_left_out
from circuitcheck.claims.quantities import Ratio
from circuitcheck.claims.requests import metric
from circuitcheck.claims.verbs.metrics import ratio_sample
from circuitcheck.engine import CLEAN, Condition, Request, Values
from circuitcheck.nodes import Node
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.statistics import Largest, Sample


@dataclass(frozen=True)
class _Pair:
    """Two conditions whose metrics are compared, and what the comparison is called."""

    name: str
    first: Condition
    second: Condition


class Complete:
    """The circuit and the model, with the same part taken out of both: `gap` = (m(C-K) - m(M-K)) / m(M)."""

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """The metric of both, for every part."""
        return _requests(claim, spec, [(pair,) for pair in self._pairs(claim, spec, mlp_aliases)])

    def samples(self, case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
        """One for each part that is taken out."""
        for pair in self._pairs(case.claim, case.spec, case.mlp_aliases):
            yield pair.name, _difference(case, pair)

    def pair_of(self, case: Case, named: Collection[str]) -> _Pair:
        """The pair whose name is among these."""
        pairs = self._pairs(case.claim, case.spec, case.mlp_aliases)
        return next(pair for pair in pairs if pair.name in named)

    def _pairs(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[_Pair]:
        whole, nodes = condition_of(claim, spec, mlp_aliases), claim.nodes(spec)
        return [
            _Pair(part.name, only(whole, part.rest_of(nodes)), knocked_out(whole, part.nodes, claim))
            for part in parts_left_out(claim, spec)
        ]


class Minimal:
    """What each node v adds to the others: `loses` = |m(C-K) - m(C-K-v)| / m(M), for the K at which that is most.

    K is nothing, or the other nodes of one of v's groups, which may stand in for it.
    """

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """The metric with and without each node."""
        return _requests(claim, spec, self._options(claim, spec, mlp_aliases).values())

    def samples(self, case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
        """One for each node."""
        for node, pairs in self._options(case.claim, case.spec, case.mlp_aliases).items():
            yield str(node), Largest.of([_difference(case, pair) for pair in pairs])

    def pair_of(self, case: Case, named: Collection[str]) -> _Pair:
        """The pair, of the node whose name is among these, that differs most."""
        options = self._options(case.claim, case.spec, case.mlp_aliases)
        pairs = next(pairs for node, pairs in options.items() if str(node) in named)
        return max(pairs, key=lambda pair: abs(_difference(case, pair).estimate))

    def _options(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> dict[Node, list[_Pair]]:
        whole, nodes = condition_of(claim, spec, mlp_aliases), claim.nodes(spec)
        options: dict[Node, list[_Pair]] = {}
        for node in nodes:
            parts = [CircuitPart("", ()), *_companions(node, claim, spec)]
            options[node] = [
                _Pair(
                    part.name,
                    only(whole, part.rest_of(nodes)),
                    only(whole, CircuitPart("", (*part.nodes, node)).rest_of(nodes)),
                )
                for part in parts
            ]
        return options


def compared_runs(case: Case, label: str) -> tuple[Values, Values]:
    """The metric of the two runs that a part is about, shape (n,) each.

    Of a complete circuit: the model and the circuit, without the same nodes. Of a minimal one: the circuit with the
    node and without it. `label` holds the name that the verb's samples gave, among others.
    """
    named = label.split(", ")
    verb = Complete() if case.claim.verb == "complete" else Minimal()
    pair = verb.pair_of(case, named)
    first, second = (case.value(metric(condition, case.metric)) for condition in (pair.first, pair.second))
    return (second, first) if case.claim.verb == "complete" else (first, second)


def _companions(node: Node, claim: Claim, spec: CircuitSpec) -> Iterator[CircuitPart]:
    """The other nodes of each group that the claim names and that the node is in."""
    for expression in claim.expressions:
        group = spec.resolve(expression)
        if node in group and len(group) > 1:
            yield CircuitPart(expression, tuple(other for other in group if other != node))


def _requests(claim: Claim, spec: CircuitSpec, pairs: Iterable[Iterable[_Pair]]) -> list[Request]:
    name = claim.metric or spec.metric
    compared = [condition for some in pairs for pair in some for condition in (pair.first, pair.second)]
    return [metric(condition, name) for condition in dict.fromkeys([CLEAN, *compared])]


def _difference(case: Case, pair: _Pair) -> Sample:
    """m(first) - m(second), as a share of the clean metric."""
    first, second = (case.value(metric(condition, case.metric)) for condition in (pair.first, pair.second))
    return ratio_sample(Ratio(first - second, case.value(metric(CLEAN, case.metric))), case.strata)

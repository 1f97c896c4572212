"""`attends`, `activates`, `writes`: what heads look at, features do, nodes write; each node must hold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import Aliases, condition_of
from circuitcheck.claims.requests import activation, attention, direct_write, heads_of
from circuitcheck.engine import CORRUPT, Request, Values
from circuitcheck.nodes import Node
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.statistics import Sample, auroc_sample


class Attends:
    """Attention of each head to a role, or the difference to that of another."""

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """Attention to every role that is named."""
        condition = condition_of(claim, spec, mlp_aliases)
        targets = [claim.to, claim.minus] if claim.minus else [claim.to]
        return [attention(condition, head, to) for head in heads_of(claim, spec) for to in targets if to]

    def samples(self, case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
        """One for each head."""
        claim = case.claim
        for head in heads_of(claim, case.spec):
            values = case.value(attention(case.condition, head, claim.to or ""))
            if claim.minus:
                values = values - case.value(attention(case.condition, head, claim.minus))
            yield str(head), Sample(values, None, case.strata, (-1.0 if claim.minus else 0.0, 1.0))


class Activates:
    """How often, how strongly and on which side each feature fires."""

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """Activations; on corrupt prompts too where the sides are compared."""
        condition = condition_of(claim, spec, mlp_aliases)
        sides = [condition, CORRUPT] if "auroc" in claim.thresholds else [condition]
        return [activation(side, feature) for side in sides for feature in claim.nodes(spec)]

    def samples(self, case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
        """One for each feature."""
        for feature in case.claim.nodes(case.spec):
            values = case.value(activation(case.condition, feature))
            yield str(feature), _activation_sample(case, quantity, values, feature)


class Writes:
    """What nodes together write on answer minus foil."""

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """Their direct effect."""
        return [direct_write(claim, spec)]

    def samples(self, case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
        """One for all nodes."""
        yield "", Sample(case.value(direct_write(case.claim, case.spec)), None, case.strata)


def _activation_sample(case: Case, quantity: str, values: Values, feature: Node) -> Sample:
    if quantity == "rate":
        return Sample((values > 0).astype(np.float64), None, case.strata, (0.0, 1.0), rate=True)
    if quantity == "mean":
        return Sample(values, None, case.strata)
    return auroc_sample(values, case.value(activation(CORRUPT, feature)), case.strata)

"""The same claim under several ablations: `with: [resample, mean, zero]`; it has to hold under each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import Aliases
from circuitcheck.claims.verbs.verb import Verb
from circuitcheck.engine import Request
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.statistics import Sample


@dataclass(frozen=True)
class UnderEachAblation:
    """A verb whose claims may name several ablations."""

    verb: Verb

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """What the verb reads, once for each ablation."""
        return [
            request
            for variant in claim.variants
            for request in self.verb.requests(variant, spec, mlp_aliases)
        ]

    def samples(self, case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
        """The verb's samples under each ablation, which names them where there are several."""
        variants = case.claim.variants
        for variant in variants:
            for name, sample in self.verb.samples(replace(case, claim=variant), quantity):
                ablation = variant.replacements[0] if len(variants) > 1 else ""
                yield ", ".join(filter(None, (ablation, name))), sample

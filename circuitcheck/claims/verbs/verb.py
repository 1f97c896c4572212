"""What a verb is: which numbers a claim of it reads, and the samples that its quantities make of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import Aliases
from circuitcheck.engine import Request
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.statistics import Sample


class Verb(Protocol):
    """One verb of the language."""

    def requests(self, claim: Claim, spec: CircuitSpec, mlp_aliases: Aliases) -> list[Request]:
        """Everything that judging a claim reads."""

    def samples(self, case: Case, quantity: str) -> Iterator[tuple[str, Sample]]:
        """Samples over all prompts, each with a name: one ("") or one per part that must hold by itself."""

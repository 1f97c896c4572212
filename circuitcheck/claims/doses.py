"""What `steer` does: one run of the model for each coefficient."""

from __future__ import annotations

from dataclasses import dataclass

from circuitcheck.engine import CLEAN, Condition, Steer, SteerHow
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.spec.doses import NEUTRAL


@dataclass(frozen=True)
class Dose:
    """The model with the claim's nodes at one strength."""

    how: SteerHow
    coefficient: float
    condition: Condition

    @property
    def label(self) -> str:
        """As reports name it, in the words of the file: `add 4`."""
        return f"{self.how} {self.coefficient:g}"

    @property
    def changes_nothing(self) -> bool:
        """Whether this is the model as it is: a place to start from in a dose-response."""
        return self.condition == CLEAN


def doses_of(claim: Claim, spec: CircuitSpec) -> tuple[Dose, ...]:
    """The doses of a `steer` claim, rising."""
    how, nodes = claim.steered, claim.nodes(spec)
    assert how is not None, "only claims with a coefficient have doses"
    return tuple(
        Dose(
            how,
            by,
            CLEAN
            if NEUTRAL.get(how) == by
            else Condition("clean", Steer(nodes, how, by, claim.error or "live")),
        )
        for by in claim.coefficients
    )

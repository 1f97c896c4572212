"""What an edited value becomes: another pass's value in its place, or its own, made stronger or weaker.

In: the value as it is, its positions, the pass under way. Out: the new value, of the same shape.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engine import SteerHow
from circuitcheck.engines.passes import Live
from circuitcheck.engines.sources import Reference


@runtime_checkable
class NewValue(Protocol):
    """How to get the new value; hashable, so that what is asked alike is asked once."""

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it asks of other passes."""

    def of(
        self, old: Float[Tensor, "batch places width"], positions: tuple[int, ...], live: Live
    ) -> Float[Tensor, "batch places width"]:
        """The new value in the place of `old`, which stands at these positions."""


@dataclass(frozen=True)
class Lent:
    """The value that a reference has."""

    reference: Reference

    @property
    def references(self) -> tuple[Reference, ...]:
        """The one."""
        return (self.reference,)

    def of(
        self, old: Float[Tensor, "batch places width"], positions: tuple[int, ...], live: Live
    ) -> Float[Tensor, "batch places width"]:
        """Looked up."""
        return live.lookup(self.reference, positions).expand_as(old)


@dataclass(frozen=True)
class Steered:
    """The value itself plus a number, times a number, or a number; see `Steer`."""

    how: SteerHow
    by: float
    references: tuple[Reference, ...] = ()

    def of(
        self, old: Float[Tensor, "batch places width"], positions: tuple[int, ...], live: Live
    ) -> Float[Tensor, "batch places width"]:
        """Computed from the old one alone."""
        del positions, live
        if self.how == "add":
            return old + self.by
        return old * self.by if self.how == "scale" else torch.full_like(old, self.by)

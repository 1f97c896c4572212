"""Where replacing values come from: zero, the pair's other side, a donor prompt, a mean.

In: `Reference`s, which name a quantity and a source. Out: tensors for the prompts of one batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitcheck.engine import Side, Source
from circuitcheck.engines.quantities import Quantity
from circuitcheck.errors import MeasurementError
from circuitcheck.prompts.pairs import PromptSet, cell_name

Cell = tuple[str, str]


@dataclass(frozen=True)
class Reference:
    """A quantity as another pass has it.

    `donor` numbers the derangement for resample: 0 is the one that nodes share.
    """

    source: Source
    quantity: Quantity
    donor: int = 0

    @property
    def hooks(self) -> tuple[str, ...]:
        """What the other pass must record; nothing for zero."""
        return () if self.source.kind == "zero" else self.quantity.hooks


@runtime_checkable
class Lookup(Protocol):
    """Answers references for the prompts of one batch."""

    def __call__(
        self, reference: Reference, positions: tuple[int, ...]
    ) -> Float[Tensor, "batch places width"]:
        """The quantity at these positions; a single zero, to be broadcast, for zero."""


def nothing_to_look_up(reference: Reference, positions: tuple[int, ...]) -> Tensor:
    """The lookup of a pass without an intervention.

    Raises:
        MeasurementError: always.
    """
    msg = f"an untouched pass asked for {reference} at {positions}"
    raise MeasurementError(msg)


def resample_donors(prompts: PromptSet, number: int = 0) -> NDArray[np.int64]:
    """For each prompt, the row of the prompt that lends its values; shape (n,).

    A cyclic derangement within each (template, order) of each group: the group's rows of one cell are
    shuffled, and each lends to the one before it, the first to the last. Groups come in the order of
    `prompts.groups`, cells in the order of `prompts.strata`. The generator is
    `default_rng([prompts.seed, 1])`, with `number` appended from 1 on.

    Raises:
        MeasurementError: when a cell of a group holds a single prompt.
    """
    rng = np.random.default_rng([prompts.seed, 1, *([number] if number else [])])
    donors = np.zeros(len(prompts), dtype=np.int64)
    for group in prompts.groups:
        for stratum in np.unique(prompts.strata[group]):
            rows = group[prompts.strata[group] == stratum]
            if len(rows) == 1:
                msg = (
                    f"resample finds no donor for the prompt {prompts.pairs[int(rows[0])].clean!r}: it is the "
                    f"only one of {cell_name(prompts.cells[int(rows[0])])} with its length; use more prompts, or mean."
                )
                raise MeasurementError(msg)
            shuffled = rng.permutation(rows)
            donors[shuffled] = np.roll(shuffled, -1)
    return donors


@dataclass
class MeanTable:
    """Means of one quantity over the reference set, per (template, order) and token position.

    Summed in float64, so that the order of batches does not matter beyond 1e-15.
    """

    sums: dict[Cell, Tensor]
    """Shape (pos, width) for each cell, as long as its longest prompt."""
    counts: dict[Cell, NDArray[np.int64]]
    """Shape (pos,); on the host, since looking at them should make no device wait."""

    @classmethod
    def empty(cls) -> "MeanTable":
        """A table that has seen nothing."""
        return cls({}, {})

    @property
    def nbytes(self) -> int:
        """What the sums take in memory."""
        return sum(value.nbytes for value in self.sums.values())

    def add(self, cells: tuple[Cell, ...], values: Float[Tensor, "batch pos width"]) -> None:
        """Count one batch in."""
        values = values.double()
        length = values.shape[1]
        for cell, value in zip(cells, values, strict=True):
            self._grow(cell, value)
            self.sums[cell][:length] += value
            self.counts[cell][:length] += 1

    def mean(self, cell: Cell, positions: tuple[int, ...]) -> Float[Tensor, "places width"]:
        """The means at these positions.

        Raises:
            MeasurementError: when no reference prompt is of that cell, or long enough.
        """
        where = list(positions)
        if cell not in self.sums or not self._count(cell, max(where, default=0)):
            msg = (
                f"the reference set has no prompt of {cell_name(cell)} that reaches "
                f"token {max(where, default=0)}; draw more reference prompts."
            )
            raise MeasurementError(msg)
        sums = self.sums[cell]
        return sums[where] / torch.from_numpy(self.counts[cell][where, None]).to(sums.device)

    def _count(self, cell: Cell, position: int) -> int:
        counts = self.counts[cell]
        return int(counts[position]) if position < len(counts) else 0

    def _grow(self, cell: Cell, value: Float[Tensor, "pos width"]) -> None:
        old = self.sums.get(cell)
        if old is not None and len(old) >= len(value):
            return
        sums, counts = torch.zeros_like(value), np.zeros(len(value), dtype=np.int64)
        if old is not None:
            sums[: len(old)], counts[: len(old)] = old, self.counts[cell]
        self.sums[cell], self.counts[cell] = sums, counts


Means = Mapping[tuple[Side, Quantity], MeanTable]
"""Tables by side and quantity."""

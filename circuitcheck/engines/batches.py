"""One batch of prompts of one length: its clean and corrupt passes, run once, and what they lend.

In: the hooks that somebody will ask for, per side, known beforehand. Out: passes, and a `Lookup`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitcheck.engine import Side
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Pass, Treatment, run
from circuitcheck.engines.sources import Means, Reference
from circuitcheck.errors import MeasurementError
from circuitcheck.prompts.pairs import PromptSet

Hooks = Mapping[Side, frozenset[str]]


@dataclass
class Batch:
    """Some rows of a prompt set, all of one group.

    `donors` holds the derangements in use, by number; `means` the tables in use.
    """

    model: LensModel
    prompts: PromptSet
    rows: tuple[int, ...]
    end: int
    hooks: Hooks
    donors: Mapping[int, NDArray[np.int64]]
    means: Means
    _passes: dict[tuple[Side, tuple[int, ...]], Pass] = field(default_factory=dict)

    def side(self, side: Side, rows: tuple[int, ...] | None = None) -> Pass:
        """The untouched pass of one side, on these rows (default: the batch's own); run at most once."""
        rows = self.rows if rows is None else rows
        if (side, rows) not in self._passes:
            self._passes[side, rows] = self._run(side, rows)
        return self._passes[side, rows]

    def tokens(self, side: Side) -> list[tuple[int, ...]]:
        """The batch's token ids."""
        return _tokens(self.prompts, side, self.rows)

    def treat(self, side: Side, treatment: Treatment, record: frozenset[str]) -> Pass:
        """The pass of one side under an intervention.

        What it borrows is run first: a pass started inside a hook would run with this one's hooks on.
        """
        for step in treatment.steps:
            for reference in step.references:
                self._lender(reference)
        return run(
            self.model, self.tokens(side), self.end, record=record, treatment=treatment, lookup=self.lookup
        )

    def lookup(self, reference: Reference, positions: tuple[int, ...]) -> Float[Tensor, "batch places width"]:
        """A reference's value for every prompt of the batch."""
        source, quantity = reference.source, reference.quantity
        dtype = getattr(torch, self.model.dtype)
        if source.kind == "zero":
            return torch.zeros(1, 1, 1, dtype=dtype, device=self.model.device)
        if source.kind == "mean":
            table = self.means[source.over, quantity]
            means = [table.mean(self.prompts.cells[row], positions) for row in self.rows]
            return torch.stack(means).to(dtype)
        lender = self._lender(reference)
        assert lender is not None, "zero and mean have been answered"
        return quantity.of(lender.recorded)[:, positions]

    def _lender(self, reference: Reference) -> Pass | None:
        """The pass that a reference reads; none for zero and mean."""
        source = reference.source
        if source.kind == "resample":
            donors = tuple(int(self.donors[reference.donor][row]) for row in self.rows)
            return self.side(source.over, donors)
        return self.side(source.kind) if source.kind in {"clean", "corrupt"} else None

    def _run(self, side: Side, rows: tuple[int, ...]) -> Pass:
        if rows != self.rows and set(rows) <= set(self.rows):
            return self.side(side).rows([self.rows.index(row) for row in rows])
        return run(
            self.model,
            _tokens(self.prompts, side, rows),
            self.end,
            record=self.hooks.get(side, frozenset()),
            treatment=Treatment(),
            lookup=nothing_to_look_up,
        )


def nothing_to_look_up(reference: Reference, positions: tuple[int, ...]) -> Tensor:
    """The lookup of a pass without an intervention.

    Raises:
        MeasurementError: always.
    """
    msg = f"an untouched pass asked for {reference} at {positions}"
    raise MeasurementError(msg)


def rows_in_batches(rows: Sequence[int], size: int) -> list[tuple[int, ...]]:
    """Consecutive rows, at most `size` at a time."""
    return [tuple(int(row) for row in rows[start : start + size]) for start in range(0, len(rows), size)]


def _tokens(prompts: PromptSet, side: Side, rows: tuple[int, ...]) -> list[tuple[int, ...]]:
    sequences = prompts.clean if side == "clean" else prompts.corrupt
    return [sequences[row] for row in rows]

"""One batch of prompts of one length: its clean and corrupt passes, run once, and what they lend.

In: the hooks that somebody will ask for, per side, known beforehand. Out: passes, and a `Lookup`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from circuitcheck.engine import Side
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Pass, Treatment, Variant, run, run_variants
from circuitcheck.engines.sources import Cell, Means, Reference
from circuitcheck.engines.sources import nothing_to_look_up as nothing_to_look_up
from circuitcheck.engines.starts import Start, WholeStart
from circuitcheck.engines.suffix import SuffixStart
from circuitcheck.engines.traces import Trace, traced_run
from circuitcheck.engines.windows import WHOLE, Window
from circuitcheck.prompts.pairs import PromptSet

Hooks = Mapping[Side, frozenset[str]]


@dataclass
class Batch:
    """Some rows of a prompt set, all of one group.

    `donors` holds the derangements in use, by number; `means` the tables in use. `traced` are the sides
    on which some intervention runs in a part of the model only.
    """

    model: LensModel
    prompts: PromptSet
    rows: tuple[int, ...]
    end: int
    hooks: Hooks
    donors: Mapping[int, NDArray[np.int64]]
    means: Means
    traced: frozenset[Side] = frozenset()
    _passes: dict[tuple[Side, tuple[int, ...]], Pass] = field(default_factory=dict)
    _traces: dict[Side, Trace | None] = field(default_factory=dict)
    _donors: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def side(self, side: Side, rows: tuple[int, ...] | None = None) -> Pass:
        """The untouched pass of one side, on these rows (default: the batch's own); run at most once."""
        rows = self.rows if rows is None else rows
        if (side, rows) not in self._passes:
            self._passes[side, rows] = self._run(side, rows)
        return self._passes[side, rows]

    def tokens(self, side: Side) -> list[tuple[int, ...]]:
        """The batch's token ids."""
        return _tokens(self.prompts, side, self.rows)

    def runnable(self, side: Side, window: Window) -> Window:
        """The window itself, or the whole where the untouched pass of these prompts left no trace."""
        if window != WHOLE:
            self.side(side)
        return WHOLE if self._traces.get(side) is None else window

    def treat(
        self, side: Side, variants: Sequence[Variant], window: Window, tokens: Tensor | None = None
    ) -> list[Pass]:
        """The passes of one side under some interventions, run as one; logits for these tokens, or all.

        What they borrow is run first: a pass started inside a hook would run with this one's hooks on.
        """
        for variant in variants:
            for step in variant.treatment.steps:
                for reference in step.references:
                    self._lender(reference)
        start = self._start(side, window)
        return run_variants(start, variants, partial(self.lookup, window=start.window), tokens)

    def lookup(
        self, reference: Reference, positions: tuple[int, ...], *, window: Window = WHOLE
    ) -> Float[Tensor, "batch places width"]:
        """A reference's value for every prompt of the batch.

        It is computed on the positions of the window, as the live value that it replaces is: then equal
        activations give bit-equal values.
        """
        source, quantity = reference.source, reference.quantity
        dtype = getattr(torch, self.model.dtype)
        if source.kind == "zero":
            return torch.zeros(1, 1, 1, dtype=dtype, device=self.model.device)
        if source.kind == "mean":
            table = self.means[source.over, quantity]
            cells, which = self._cells
            return torch.stack([table.mean(cell, positions) for cell in cells]).to(dtype)[which]
        lender = self._lender(reference)
        assert lender is not None, "zero and mean have been answered"
        shown = {hook: window.of(lender.recorded[hook]) for hook in quantity.hooks}
        return quantity.of(shown)[:, window.places(positions)]

    @cached_property
    def _cells(self) -> tuple[list[Cell], Int[Tensor, " batch"]]:
        """The (template, order) cells of the batch, and which of them each row is of."""
        cells = [self.prompts.cells[row] for row in self.rows]
        known = list(dict.fromkeys(cells))
        return known, torch.tensor([known.index(cell) for cell in cells], device=self.model.device)

    def _lender(self, reference: Reference) -> Pass | None:
        """The pass that a reference reads; none for zero and mean."""
        source = reference.source
        if source.kind == "resample":
            return self.side(source.over, self._lending(reference.donor))
        return self.side(source.kind) if source.kind in {"clean", "corrupt"} else None

    def _lending(self, number: int) -> tuple[int, ...]:
        """The donor of each row, in one of the derangements."""
        if number not in self._donors:
            self._donors[number] = tuple(int(self.donors[number][row]) for row in self.rows)
        return self._donors[number]

    def _start(self, side: Side, window: Window) -> Start:
        trace = self._traces.get(side)
        if window == WHOLE or trace is None:
            return WholeStart(self.model, self.tokens(side), self.end)
        return SuffixStart(self.model, trace, window, self.end)

    def _run(self, side: Side, rows: tuple[int, ...]) -> Pass:
        if rows != self.rows and set(rows) <= set(self.rows):
            return self.side(side).rows([self.rows.index(row) for row in rows])
        tokens, record = _tokens(self.prompts, side, rows), self.hooks.get(side, frozenset())
        if rows == self.rows and side in self.traced:
            seen, self._traces[side] = traced_run(self.model, tokens, self.end, record)
            return seen
        return run(
            self.model, tokens, self.end, record=record, treatment=Treatment(), lookup=nothing_to_look_up
        )


def rows_in_batches(rows: Sequence[int], size: int) -> list[tuple[int, ...]]:
    """Consecutive rows, at most `size` at a time."""
    return [tuple(int(row) for row in rows[start : start + size]) for start in range(0, len(rows), size)]


def _tokens(prompts: PromptSet, side: Side, rows: tuple[int, ...]) -> list[tuple[int, ...]]:
    sequences = prompts.clean if side == "clean" else prompts.corrupt
    return [sequences[row] for row in rows]

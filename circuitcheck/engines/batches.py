"""One batch of prompts of one length: its clean and corrupt passes, run once, and what they lend.

In: the hooks that somebody will ask for, per side, known beforehand. Out: passes, and a `Lookup`.
"""

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from circuitcheck.engine import Side
from circuitcheck.engines.kept_changes import ScopeChanges
from circuitcheck.engines.kept_circuit import KeptParts
from circuitcheck.engines.kept_run import kept_logits
from circuitcheck.engines.kept_scene import KeptScene
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Pass, Treatment, Variant, run, run_variants
from circuitcheck.engines.sources import Cell, Lookup, Means, Reference
from circuitcheck.engines.sources import nothing_to_look_up as nothing_to_look_up
from circuitcheck.engines.starts import Start, WholeStart
from circuitcheck.engines.steps import KeepHook
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
    _scenes: dict[Side, KeptScene] = field(default_factory=dict)
    _scopes: dict[Side, ScopeChanges] = field(default_factory=dict)

    def side(self, side: Side, rows: tuple[int, ...] | None = None) -> Pass:
        """The untouched pass of one side, on these rows (default: the batch's own); run at most once."""
        rows = self.rows if rows is None else rows
        if (side, rows) not in self._passes:
            self._passes[side, rows] = self._run(side, rows)
        return self._passes[side, rows]

    def part(self, places: Sequence[int]) -> "Batch":
        """A batch of its own with the prompts at these places of this one; it runs whole passes only."""
        rows = tuple(self.rows[place] for place in places)
        return Batch(self.model, self.prompts, rows, self.end, self.hooks, self.donors, self.means)

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
        if isinstance(window, KeptParts):
            passes = self._kept(side, variants, window, tokens)
        else:
            start = self._start(side, window)
            passes = run_variants(start, variants, partial(self.lookup, window=start.window), tokens)
        return [self._told_of_scope(side, one, seen) for one, seen in zip(variants, passes, strict=True)]

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

    def _kept(
        self, side: Side, variants: Sequence[Variant], window: KeptParts, tokens: Tensor | None
    ) -> list[Pass]:
        """Passes of keep-only interventions that run their kept parts only."""
        trace = self._traces[side]
        assert trace is not None, "`runnable` has said so"
        if side not in self._scenes:
            self._scenes[side] = KeptScene(self.model, trace, window, self._lent(window))
        treatments = [variant.treatment for variant in variants]
        logits = kept_logits(self._scenes[side], treatments, self.end, tokens)
        return [Pass({}, part, window=window, tokens=tokens) for part in logits]

    def _told_of_scope(self, side: Side, variant: Variant, seen: Pass) -> Pass:
        """With the change of the scope, where the intervention keeps only some of one."""
        if not any(isinstance(step, KeepHook) for step in variant.treatment.steps):
            return seen
        if side not in self._scopes:
            self._scopes[side] = ScopeChanges(self.side(side), self._lent(WHOLE))
        return replace(seen, changes={0: self._scopes[side].of(variant.treatment)})

    def _lent(self, window: Window) -> Lookup:
        """The lookup for what the batch itself holds: it must not hold the batch, or neither is let go in time."""
        batch = weakref.ref(self)

        def lookup(reference: Reference, positions: tuple[int, ...]) -> Tensor:
            alive = batch()
            assert alive is not None, "what a batch holds is used by nobody else"
            return alive.lookup(reference, positions, window=window)

        return lookup

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

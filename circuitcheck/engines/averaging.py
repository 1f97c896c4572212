"""Means over the reference set: one pass over it, for every quantity that was not averaged before.

In: the reference prompts and the quantities wanted, per side. Out: `MeanTable`s, kept between calls,
because the reference set does not grow with the number of evaluated prompts.
"""

from collections.abc import Callable, Iterable

import torch

from circuitcheck.engine import Side
from circuitcheck.engines.batches import nothing_to_look_up, rows_in_batches
from circuitcheck.engines.groups import groups_of
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Treatment, run
from circuitcheck.engines.quantities import Quantity
from circuitcheck.engines.sources import Means, MeanTable
from circuitcheck.prompts.pairs import PromptSet

Wanted = tuple[Side, Quantity]


class Averages:
    """Mean tables of one model, by reference set."""

    def __init__(self, model: LensModel, batch_size: int) -> None:
        self._model = model
        self._batch_size = batch_size
        self._tables: dict[str, dict[Wanted, MeanTable]] = {}

    def of(self, references: PromptSet, wanted: Iterable[Wanted], tick: Callable[[], None]) -> Means:
        """Tables of everything wanted; `tick` is called after each pass that this takes."""
        tables = self._tables.setdefault(references.digest, {})
        for side in ("clean", "corrupt"):
            missing = {quantity for over, quantity in wanted if over == side} - {
                quantity for over, quantity in tables if over == side
            }
            fresh = {quantity: MeanTable.empty() for quantity in missing}
            if fresh:
                self._fill(references, side, fresh, tick)
            tables |= {(side, quantity): table for quantity, table in fresh.items()}
        return tables

    def passes(self, references: PromptSet, wanted: Iterable[Wanted]) -> int:
        """How many forward passes `of` will take."""
        tables = self._tables.get(references.digest, {})
        sides = {side for side, quantity in wanted if (side, quantity) not in tables}
        batches = [rows_in_batches(group.tolist(), self._batch_size) for group in groups_of(references, ())]
        return len(sides) * sum(map(len, batches))

    def _fill(
        self, references: PromptSet, side: Side, tables: dict[Quantity, MeanTable], tick: Callable[[], None]
    ) -> None:
        sequences = references.clean if side == "clean" else references.corrupt
        hooks = {hook for quantity in tables for hook in quantity.hooks}
        for group in groups_of(references, ()):
            for rows in rows_in_batches(group.tolist(), self._batch_size):
                tokens = [sequences[row] for row in rows]
                seen = run(
                    self._model, tokens, 0, record=hooks, treatment=Treatment(), lookup=nothing_to_look_up
                )
                cells = tuple(references.cells[row] for row in rows)
                with torch.inference_mode():
                    for quantity, table in tables.items():
                        table.add(cells, quantity.of(seen.recorded))
                tick()

"""Means over the reference set: one pass over it, for every quantity that was not averaged before.

In: the reference prompts and the quantities wanted, per side. Out: `MeanTable`s, kept between calls,
because the reference set does not grow with the number of evaluated prompts.
"""

from collections.abc import Callable, Collection, Iterable

import torch

from circuitcheck.engine import Side
from circuitcheck.engines.batches import nothing_to_look_up, rows_in_batches
from circuitcheck.engines.footprints import Footprint, survey_load
from circuitcheck.engines.groups import groups_of
from circuitcheck.engines.memory import Memory
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Treatment, run
from circuitcheck.engines.quantities import Quantity
from circuitcheck.engines.sources import Means, MeanTable
from circuitcheck.prompts.pairs import PromptSet

Wanted = tuple[Side, Quantity]


class Averages:
    """Mean tables of one model, by reference set."""

    def __init__(self, model: LensModel, batch_size: int, memory: Memory) -> None:
        self._model = model
        self._batch_size = batch_size
        self._memory = memory
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

    def batches_to_come(self, references: PromptSet, wanted: Iterable[Wanted]) -> list[tuple[int, ...]]:
        """The rows of each forward pass that `of` will take."""
        tables = self._tables.get(references.digest, {})
        missing = [
            (side, quantity) for side, quantity in dict.fromkeys(wanted) if (side, quantity) not in tables
        ]
        sides = dict.fromkeys(side for side, _ in missing)
        return [
            rows
            for side in sides
            for rows in self.batches(references, [quantity for over, quantity in missing if over == side])
        ]

    def batches(self, references: PromptSet, quantities: Collection[Quantity]) -> list[tuple[int, ...]]:
        """The rows of each forward pass that averages these quantities.

        Raises:
            MeasurementError: when not even one prompt fits into memory.
        """
        return [
            rows
            for group in groups_of(references, ())
            for rows in rows_in_batches(
                group.tolist(), self._size(len(references.clean[group[0]]), quantities)
            )
        ]

    @property
    def nbytes(self) -> int:
        """What the tables take, which stay as long as the engine does."""
        tables = (table for known in self._tables.values() for table in known.values())
        return sum(table.nbytes for table in tables)

    def _size(self, length: int, quantities: Collection[Quantity]) -> int:
        footprint = Footprint.of(self._model)
        read = max(footprint.code(quantity, length) for quantity in quantities)
        load = survey_load(self._model, length, _hooks(quantities), read)
        return self._memory.prompts(load, self._batch_size, self.nbytes)

    def _fill(
        self, references: PromptSet, side: Side, tables: dict[Quantity, MeanTable], tick: Callable[[], None]
    ) -> None:
        sequences = references.clean if side == "clean" else references.corrupt
        hooks = _hooks(tables)
        for rows in self.batches(references, tables):
            tokens = [sequences[row] for row in rows]
            seen = run(self._model, tokens, 0, record=hooks, treatment=Treatment(), lookup=nothing_to_look_up)
            cells = tuple(references.cells[row] for row in rows)
            with torch.inference_mode():
                for quantity, table in tables.items():
                    table.add(cells, quantity.of(seen.recorded))
            tick()


def _hooks(quantities: Iterable[Quantity]) -> set[str]:
    return {hook for quantity in quantities for hook in quantity.hooks}

"""What the passes of one batch told, kept where they ran and fetched once when the batch is done.

In: tensors per request and per changed node. Out: rows of arrays. Fetching each number as it comes would stop an
accelerator as often as there are conditions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engine import Condition, Request, Values

Key = TypeVar("Key")


@dataclass(frozen=True)
class Column:
    """One node among the changes of a condition."""

    condition: Condition
    number: int


@dataclass
class Sheet:
    """The numbers of one batch: one per prompt, for every request and every changed node."""

    _readings: dict[Request, Float[Tensor, " batch"]] = field(default_factory=dict)
    _changes: dict[Column, Float[Tensor, " batch"]] = field(default_factory=dict)

    def read(self, request: Request, values: Float[Tensor, " batch"]) -> None:
        """Note a reading; a later one of the same request replaces it."""
        self._readings[request] = values

    def changed(self, condition: Condition, changes: Mapping[int, Float[Tensor, " batch"]]) -> None:
        """Note by how much each node changed, by its column."""
        for number, values in changes.items():
            self._changes[Column(condition, number)] = values

    def readings(self) -> Iterator[tuple[Request, Values]]:
        """Every reading, fetched at once."""
        return _fetched(self._readings)

    def changes(self) -> Iterator[tuple[Column, Values]]:
        """Every change, fetched at once."""
        return _fetched(self._changes)

    def doubtful(self, limit: float) -> dict[Condition, tuple[int, ...]]:
        """Conditions of which some node changed on some prompt, but by less than this; with those prompts' places."""
        found: dict[Condition, set[int]] = {}
        for column, values in self.changes():
            places = np.flatnonzero((values > 0) & (values < limit))
            if len(places):
                found.setdefault(column.condition, set()).update(places.tolist())
        return {condition: tuple(sorted(places)) for condition, places in found.items()}

    def correct(self, places: Sequence[int], decided: "Sheet") -> None:
        """Take over the changes that another sheet has of the prompts at some places."""
        for column, values in decided._changes.items():
            changes = self._changes[column].clone()
            changes[list(places)] = values.to(changes.dtype)
            self._changes[column] = changes


def _fetched(tensors: Mapping[Key, Tensor]) -> Iterator[tuple[Key, Values]]:
    if not tensors:
        return iter(())
    table: Values = torch.stack([values.double() for values in tensors.values()]).cpu().numpy()
    return zip(tensors, table, strict=True)

"""Directions of the residual stream that planted models write codes in.

In: names with sizes, and random numbers. Out: `Frame`: for each name some rows, all orthonormal and of zero
mean, so that LayerNorm's centring leaves codes alone, and what is written in one name is not read in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Frame:
    """Orthonormal rows of zero mean by name; `rows[name]` has shape (size, d_model)."""

    rows: Mapping[str, Array]
    d_model: int

    @classmethod
    def drawn(cls, sizes: Mapping[str, int], d_model: int, rng: np.random.Generator) -> Frame:
        """Random directions, as many of each name as `sizes` says."""
        total = sum(sizes.values())
        assert total < d_model, f"{total} directions of zero mean do not fit into {d_model} dimensions"
        drawn = rng.standard_normal((d_model, total))
        orthonormal, _ = np.linalg.qr(drawn - drawn.mean(axis=0))
        bounds = np.cumsum([0, *sizes.values()])
        return cls(
            {name: orthonormal.T[bounds[i] : bounds[i + 1]] for i, name in enumerate(sizes)},
            d_model,
        )

    def __getitem__(self, name: str) -> Array:
        return self.rows[name]


def rotation(size: int, rng: np.random.Generator) -> Array:
    """A random orthogonal matrix, shape (size, size)."""
    orthogonal, _ = np.linalg.qr(rng.standard_normal((size, size)))
    return np.asarray(orthogonal)

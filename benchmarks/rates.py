"""How fast this machine multiplies matrices: the rate that turns the floor's operations into seconds.

In: a model's sizes. Out: `Rates`, measured on random matrices of the model's own shapes, same dtype and threads.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from benchmarks.floor import Flops, Sizes

ROWS = (256, 1024)
"""Rows that are tried; the faster counts, since a floor must not be too high."""


@dataclass(frozen=True)
class Rates:
    """Operations per second, by matrix; what has no matrix of its own goes at the best rate of all."""

    flops_per_second: Mapping[str, float]

    def seconds(self, flops: Flops) -> float:
        """The time that these operations take at best."""
        best = max(self.flops_per_second.values())
        return sum(count / self.flops_per_second.get(part, best) for part, count in flops.items())


def measure_rates(sizes: Sizes, *, device: str, dtype: str, repeats: int = 2) -> Rates:
    """Multiply by one matrix of each shape, and take the best of a few times."""
    shapes = {
        "q": (sizes.d_model, sizes.heads * sizes.d_head),
        "kv": (sizes.d_model, 2 * sizes.groups * sizes.d_head),
        "out": (sizes.heads * sizes.d_head, sizes.d_model),
        "mlp_in": (sizes.d_model, sizes.d_mlp),
        "mlp_out": (sizes.d_mlp, sizes.d_model),
    }
    known = {
        shape: _rate(*shape, device=device, dtype=dtype, repeats=repeats) for shape in {*shapes.values()}
    }
    return Rates({part: known[shape] for part, shape in shapes.items()})


def _rate(inner: int, outer: int, *, device: str, dtype: str, repeats: int) -> float:
    """Operations per second at the best number of rows."""
    right = torch.randn(inner, outer, device=device, dtype=getattr(torch, dtype))
    best = 0.0
    for rows in ROWS:
        left = torch.randn(rows, inner, device=device, dtype=right.dtype)
        for _ in range(repeats + 1):
            synchronise(device)
            start = time.perf_counter()
            torch.mm(left, right)
            synchronise(device)
            best = max(best, 2 * rows * inner * outer / (time.perf_counter() - start))
    return best


def synchronise(device: str) -> None:
    """Wait for a CUDA device to finish; nothing elsewhere."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)

"""Counts the matrix multiplications that a call really does.

In: a call. Out: operations, two for each multiply-add, by `torch.utils.flop_counter`, which knows multiplications
by their functional names; the in-place one is added here, or else work done in place would count nothing.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

Shape = tuple[int, ...]


def counted_flops(call: Callable[[], Any]) -> int:
    """The operations of one call."""
    counter = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.addmm_: _of_addmm})
    with counter:
        call()
    return int(counter.get_total_flops())


def _of_addmm(added: Shape, left: Shape, right: Shape, out_shape: Shape | None = None, **_: Any) -> int:
    """Shapes (rows, inner) and (inner, columns), in place on (rows, columns)."""
    del added, out_shape
    return 2 * left[0] * left[1] * right[1]

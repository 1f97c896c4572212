"""What to do when the device's memory runs out all the same: half as much at a time.

In: work that can be cut in two. Out: the same work, done in as many parts as it takes.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

Work = TypeVar("Work")


class OutOfMemory(Exception):
    """Work that cannot be cut any further did not fit."""


def in_parts(do: Callable[[Work], None], work: Work, halves: Callable[[Work], Sequence[Work]]) -> int:
    """Do some work whole, or in halves of halves where memory runs out; gives back how often it did.

    `halves` of work that cannot be cut are none. Work that is cut is done again from its beginning.

    Raises:
        OutOfMemory: when a part that cannot be cut does not fit.
    """
    if _fits(do, work):
        return 0
    parts = halves(work)
    if not parts:
        raise OutOfMemory
    return 1 + sum(in_parts(do, part, halves) for part in parts)


def _fits(do: Callable[[Work], None], work: Work) -> bool:
    """Whether it could be done; outside of the handler nothing holds on to the tensors of a failed try."""
    try:
        do(work)
    except OutOfMemory:
        fits = False
    except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError
        if not is_out_of_memory(error):
            raise
        fits = False
    else:
        fits = True
    if not fits and torch.cuda.is_available():
        torch.cuda.empty_cache()
    return fits


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that a device, or the machine, has no memory left."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator: can't allocate memory" in str(error)

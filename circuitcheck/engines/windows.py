"""Which part of a model an intervention can change: some block and token on, nothing before either.

In: hooks and token positions that are edited or read. Out: `Window`. A block's output at a token depends
on earlier tokens only through their keys and values, so what lies before the window is the untouched pass's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

_BLOCK = re.compile(r"blocks\.(\d+)\.")
_WORTH_IT = 0.95
"""Share of the whole pass's work above which a window saves too little to leave the whole pass for."""


@dataclass(frozen=True)
class Window:
    """The blocks from `layer` on, at the token positions from `position` on (BOS counted)."""

    layer: int = 0
    position: int = 0

    def place(self, position: int) -> int:
        """Where an absolute token position is on the window's own position axis."""
        return position - self.position

    def places(self, positions: Iterable[int]) -> tuple[int, ...]:
        """Where absolute token positions are on the window's own position axis."""
        return tuple(map(self.place, positions))

    def of(self, value: Tensor) -> Tensor:
        """What a whole pass recorded, shape (batch, pos, ...), at the window's positions only."""
        return value[:, self.position :]


WHOLE = Window()


def window_around(hooks: Iterable[str], positions: Iterable[int], *, layers: int, length: int) -> Window:
    """The smallest window that holds these hooks and positions; `WHOLE` where it would save little.

    `layers` and `length` are the model's blocks and the prompt's tokens. A hook outside the blocks is
    in no window but the whole.
    """
    blocks = [_BLOCK.match(hook) for hook in hooks]
    inside = [int(block[1]) for block in blocks if block is not None]
    if len(inside) < len(blocks) or not inside:
        return WHOLE
    window = Window(min(inside), min(positions))
    work = (layers - window.layer) * (length - window.position) / (layers * length)
    return window if work <= _WORTH_IT else WHOLE

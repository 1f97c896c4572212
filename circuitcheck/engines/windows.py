"""Which part of a model an intervention can change: some block and token on, nothing before either.

In: hooks and token positions that are edited or read. Out: `Window`. A block's output at a token depends
on earlier tokens only through their keys and values, so what lies before the window is the untouched pass's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from torch import Tensor

_BLOCK = re.compile(r"blocks\.(\d+)\.")
_BEHIND_ATTENTION = frozenset(
    {"attn.hook_z", "hook_attn_out", "hook_resid_mid", "hook_mlp_out", "hook_resid_post", "mlp.hook_post", "mlp.hook_pre",
     "mlp.hook_in", "mlp.hook_out", "ln2.hook_in", "ln2.hook_normalized", "ln2.hook_out"}
)  # fmt: skip
_WORTH_IT = 0.95
"""Share of the whole pass's work above which a window saves too little to leave the whole pass for."""


@dataclass(frozen=True)
class Window:
    """The blocks from `layer` on, at the token positions from `position` on (BOS counted).

    The first of them may run no further than the token `until`, behind which it changes nothing, the last may run
    for the token `only` alone; None stands for all tokens.
    """

    layer: int = 0
    position: int = 0
    until: int | None = None
    only: int | None = None

    def place(self, position: int) -> int:
        """Where an absolute token position is on the window's own position axis."""
        return position - self.position

    def places(self, positions: Iterable[int]) -> tuple[int, ...]:
        """Where absolute token positions are on the window's own position axis."""
        return tuple(map(self.place, positions))

    def of(self, value: Tensor) -> Tensor:
        """What a whole pass recorded, shape (batch, pos, ...), at the window's positions only."""
        return value[:, self.position :]

    def tokens(self, layers: int, length: int) -> int:
        """Tokens of one block that one prompt runs; those that only lend keys and values count a quarter each."""
        each = length - self.position
        tokens = (layers - self.layer) * each
        if self.until is not None:
            tokens -= length - 1 - self.until
        if self.only is not None:
            tokens -= each - 1 - (self.only - self.position) // 4
        return tokens


WHOLE = Window()


def window_around(hooks: Iterable[str], positions: Iterable[int], *, layers: int, length: int) -> Window:
    """The smallest window that holds these hooks and positions; `WHOLE` where it would save little.

    `layers` and `length` are the model's blocks and the prompt's tokens. A hook outside the blocks is
    in no window but the whole.
    """
    blocks = [block_of(hook) for hook in hooks]
    inside = [block for block in blocks if block is not None]
    if len(inside) < len(blocks) or not inside:
        return WHOLE
    window = Window(min(inside), min(positions))
    work = (layers - window.layer) * (length - window.position) / (layers * length)
    return window if work <= _WORTH_IT else WHOLE


def narrowed(
    window: Window,
    edits: Iterable[tuple[str, Iterable[int]]],
    others: Iterable[str],
    *,
    layers: int,
    end: int,
) -> Window:
    """The window with no more of its first and last block than is needed.

    `edits` are hooks and where something is done there, `others` are hooks that are read. Behind its attention a
    block does nothing from token to token, and of the last block only `end` is asked for.
    """
    edits, last = list(edits), layers - 1
    hooks = {*others, *(hook for hook, _ in edits)}
    first = [tuple(places) for hook, places in edits if block_of(hook) == window.layer]
    here = [hook for hook in hooks if block_of(hook) == window.layer]
    # A step without places of its own may do something at any token.
    apart = all(first) and all(_is_behind_attention(hook) for hook in here) and window.layer < last
    read = any(block_of(hook) == window.layer for hook in others)
    until = max(map(max, first)) if first and apart and not read else None
    alone = window.position < end and not any(block_of(hook) == last for hook in hooks)
    return replace(window, until=until, only=end if alone else None)


def block_of(hook: str) -> int | None:
    """The block that a hook is in; None for one that is in none."""
    found = _BLOCK.match(hook)
    return None if found is None else int(found[1])


def _is_behind_attention(hook: str) -> bool:
    """Whether a hook of a block comes after its attention has gathered from other tokens."""
    return _BLOCK.sub("", hook) in _BEHIND_ATTENTION

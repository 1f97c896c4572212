"""Keys or values of all tokens, those before a window held once for all copies of the batch.

In: what the untouched pass stored before a window, what a stack computed in it. Out: `Joined`, which stands in
for one tensor. The products that attention takes of it never put its parts together: a prefix copied for every
intervention would cost more than the intervention's own arithmetic, and more so the longer the prompt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

_PRODUCTS = frozenset({torch.matmul, Tensor.matmul, Tensor.__matmul__})


@dataclass(frozen=True, eq=False)
class Joined:
    """`before`, the same for every copy of the batch, in front of each copy's own `fresh`.

    Rows are copies of the batch, one after the other; tokens are on the axis before the last or, transposed, on
    the last. What is asked of it that keeps the parts apart is done to the parts; for all else it is one tensor.
    """

    before: Tensor
    fresh: Tensor
    transposed: bool = False

    @property
    def shape(self) -> torch.Size:
        """Of the whole."""
        shape = list(self.fresh.shape)
        shape[self._axis] += self.before.shape[self._axis]
        return torch.Size(shape)

    @property
    def dtype(self) -> torch.dtype:
        """Of the whole."""
        return self.fresh.dtype

    def transpose(self, one: int, other: int) -> "Joined | Tensor":
        """As `Tensor.transpose`."""
        axes = self.fresh.ndim
        if {one % axes, other % axes} != {axes - 2, axes - 1}:
            return self.whole().transpose(one, other)
        return Joined(self.before.mT, self.fresh.mT, not self.transposed)

    def to(self, dtype: torch.dtype) -> "Joined | Tensor":
        """As `Tensor.to`, to another precision."""
        return self._each(lambda part: part.to(dtype))

    def __mul__(self, factor: float | Tensor) -> "Joined | Tensor":
        """As of a tensor; by a number, part by part."""
        if isinstance(factor, Tensor):
            return self.whole() * factor
        return self._each(lambda part: part * factor)

    def repeat_interleave(self, times: int, dim: int) -> "Joined | Tensor":
        """As `Tensor.repeat_interleave`."""
        if dim != 1:
            return self.whole().repeat_interleave(times, dim=dim)
        return self._each(lambda part: part.repeat_interleave(times, dim=1))

    def __getitem__(self, index: Any) -> "Joined | Tensor":
        """As of a tensor; heads of a group can be repeated part by part."""
        if not _adds_axis_behind_heads(index):
            return self.whole()[index]
        return self._each(lambda part: part[:, :, None])

    def expand(self, *sizes: int) -> "Joined | Tensor":
        """As `Tensor.expand`."""
        if len(sizes) != 5 or self.transposed:
            return self.whole().expand(*sizes)
        return self._each(lambda part: part.expand(-1, -1, sizes[2], -1, -1))

    def reshape(self, *sizes: int) -> "Joined | Tensor":
        """As `Tensor.reshape`."""
        if len(sizes) != 4 or self.fresh.ndim != 5 or self.transposed:
            return self.whole().reshape(*sizes)
        return self._each(lambda part: part.flatten(1, 2))

    def whole(self) -> Tensor:
        """One tensor, put together."""
        copies = len(self.fresh) // len(self.before)
        repeated = self.before.expand(copies, *self.before.shape).flatten(0, 1)
        return torch.cat([repeated, self.fresh], dim=self._axis)

    def __getattr__(self, name: str) -> Any:
        """Everything else a tensor has."""
        return getattr(self.whole(), name)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Sequence[type], args: Any = (), named: Any = None
    ) -> Any:
        """Products part by part; any other function sees one tensor."""
        del types
        named = named or {}
        if function in _PRODUCTS and len(args) == 2 and isinstance(args[1], cls):
            left, right = _one_tensor(args[0]), args[1]
            if left.ndim == right.fresh.ndim == 4:
                return right.scores(left) if right.transposed else right.mixed(left)
        return function(*map(_one_tensor, args), **{name: _one_tensor(one) for name, one in named.items()})

    def scores(self, queries: Tensor) -> Tensor:
        """Queries times transposed keys, shape (rows, head, query, token)."""
        split = self.before.shape[-1]
        scores = queries.new_empty(*queries.shape[:3], self.shape[-1])
        self._by_copy(scores)[..., :split] = self._shared(queries)
        scores[..., split:] = queries @ self.fresh
        return scores

    def mixed(self, pattern: Tensor) -> Tensor:
        """A pattern times values, shape (rows, head, query, width)."""
        split = self.before.shape[-2]
        mixed = pattern[..., split:] @ self.fresh
        self._by_copy(mixed).add_(self._shared(pattern[..., :split]))
        return mixed

    def _shared(self, left: Tensor) -> Tensor:
        """Every copy's rows times `before`, one product per prompt; shape (copy, batch, head, query, outer)."""
        apart = self._by_copy(left)
        copies, queries = apart.shape[0], apart.shape[3]
        product: Tensor = apart.permute(1, 2, 0, 3, 4).flatten(2, 3) @ self.before
        return product.reshape(*product.shape[:2], copies, queries, -1).permute(2, 0, 1, 3, 4)

    def _by_copy(self, value: Tensor) -> Tensor:
        """The same rows, with an axis for the copies in front."""
        return value.view(-1, len(self.before), *value.shape[1:])

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Joined":
        return Joined(change(self.before), change(self.fresh), self.transposed)

    @property
    def _axis(self) -> int:
        return -1 if self.transposed else -2


def joined(
    before: Float[Tensor, "batch group before width"], fresh: Float[Tensor, "rows group fresh width"]
) -> Tensor | Joined:
    """Earlier tokens in front of later ones; where there are none, the later ones alone."""
    return Joined(before, fresh) if before.shape[2] else fresh


def _adds_axis_behind_heads(index: Any) -> bool:
    """Whether it is `[:, :, None, :, :]`, with which libraries begin to repeat the heads of a group."""
    if not isinstance(index, tuple) or len(index) != 5 or index[2] is not None:
        return False
    rest = (*index[:2], *index[3:])
    return all(isinstance(one, slice) and one == slice(None) for one in rest)


def _one_tensor(value: Any) -> Any:
    """A joined tensor put together, also in a list; anything else as it is."""
    if isinstance(value, list | tuple):
        return type(value)(map(_one_tensor, value))
    return value.whole() if isinstance(value, Joined) else value

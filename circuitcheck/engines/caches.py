"""Stand-ins for a library's key-value cache: what a block finds in front of its tokens, and what it leaves there.

In: keys and values. Out: what attention reads. Blocks call `update` and nothing else.
"""

from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.joined import Joined, joined


@dataclass(frozen=True, eq=False)
class Prefix:
    """Stands in for a key-value cache: the untouched keys and values of the tokens before a window."""

    keys: Float[Tensor, "batch group before d_head"]
    values: Float[Tensor, "batch group before d_head"]

    def update(
        self, keys: Tensor, values: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor | Joined, Tensor | Joined]:
        """Keys and values of all tokens; rows are copies of the batch, one after the other."""
        return joined(self.keys, keys), joined(self.values, values)


class Enough(Exception):
    """A block has made its keys and values, and no more is asked of it."""


class Lent:
    """Stands in for a key-value cache: takes what a block would store, and ends its call."""

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> NoReturn:
        """Keep them."""
        self.keys, self.values = keys, values
        raise Enough


@dataclass(frozen=True, eq=False)
class Behind:
    """Stands in for a key-value cache: untouched tokens, then those of each copy that were made before."""

    prefix: Prefix
    lent: Lent

    def update(
        self, keys: Tensor, values: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor | Joined, Tensor | Joined]:
        """Keys and values of all tokens."""
        return self.prefix.update(
            torch.cat([self.lent.keys, keys], dim=2), torch.cat([self.lent.values, values], dim=2)
        )

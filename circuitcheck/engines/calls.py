"""One block, called again as an untouched pass called it, on some of its tokens.

In: a call's arguments, a stream. Out: the block's output. Earlier tokens lend their keys and values.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.caches import Behind, Enough, Lent, Prefix

POSITION_AXES: Mapping[str, int] = {
    "attention_mask": -2, "position_ids": -1, "position_embeddings": -2, "cache_position": -1,
}  # fmt: skip
"""Arguments of a block that go along with its tokens, and their axis of (query) positions."""


@dataclass(frozen=True, eq=False)
class BlockCall:
    """How one block was called on whole prompts, and the keys and values that it stored.

    `settings` holds its arguments by name, but for the stream and the cache, one row for all prompts.
    """

    stream: Float[Tensor, "batch pos d_model"]
    keys: Float[Tensor, "batch group pos d_head"]
    values: Float[Tensor, "batch group pos d_head"]
    cache: str
    """The name under which the block takes its cache."""
    settings: Mapping[str, Any]

    def run(self, block: Any, stream: Float[Tensor, "rows pos d_model"], first: int) -> Tensor:
        """The block on the tokens from `first` on, as many as the stream has; earlier ones are the untouched pass's."""
        return self._run(block, stream, first, self._prefix(first))

    def run_only(
        self, block: Any, stream: Float[Tensor, "rows pos d_model"], first: int, token: int
    ) -> Float[Tensor, "rows 1 d_model"]:
        """The block on one token of a stream that begins at `first`: of those before it, keys and values only."""
        before, own = stream[:, : token - first], stream[:, token - first : token - first + 1]
        lent = Lent()
        with suppress(Enough):
            self._run(block, before, first, lent)
        return self._run(block, own, token, Behind(self._prefix(first), lent))

    def _run(self, block: Any, stream: Tensor, first: int, cache: Prefix | Behind | Lent) -> Tensor:
        tokens = range(first, first + stream.shape[1])
        settings = {name: _at(tokens, value, name) for name, value in self.settings.items()}
        out = block(stream, **settings, **{self.cache: cache})
        made: Tensor = out[0] if isinstance(out, tuple) else out
        return made

    def _prefix(self, first: int) -> Prefix:
        return Prefix(self.keys[:, :, :first], self.values[:, :, :first])


def _at(tokens: range, value: Any, name: str) -> Any:
    """A setting for these tokens only."""
    if isinstance(value, tuple):
        return tuple(_at(tokens, one, name) for one in value)
    return (
        value.narrow(POSITION_AXES[name], tokens.start, len(tokens)) if isinstance(value, Tensor) else value
    )

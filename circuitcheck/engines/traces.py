"""What an untouched pass leaves behind so that a part of it can be run again: how each block was called.

In: a model, prompts of one length. Out: the `Pass`, and a `Trace`: the residual stream before each block, the
keys and values that its attention stored, and the other arguments (masks, rotary tables) of its call. A
model that calls its blocks in a way that is not known here leaves no trace, and is then run whole.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import Cache

from circuitcheck.engines.joined import Joined, joined
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Pass, Treatment, run
from circuitcheck.engines.sources import nothing_to_look_up

_POSITION_AXES: Mapping[str, int] = {
    "attention_mask": -2, "position_ids": -1, "position_embeddings": -2, "cache_position": -1,
}  # fmt: skip
"""Arguments of a block that go along with its tokens, and their axis of (query) positions."""


class _UnknownCall(Exception):
    """A block was called in a way that this module cannot repeat for some of the positions."""


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
        lent = _Lent()
        with suppress(_Enough):
            self._run(block, before, first, lent)
        return self._run(block, own, token, Behind(self._prefix(first), lent))

    def _run(self, block: Any, stream: Tensor, first: int, cache: "_Cache") -> Tensor:
        tokens = range(first, first + stream.shape[1])
        settings = {name: _at(tokens, value, name) for name, value in self.settings.items()}
        out = block(stream, **settings, **{self.cache: cache})
        made: Tensor = out[0] if isinstance(out, tuple) else out
        return made

    def _prefix(self, first: int) -> "Prefix":
        return Prefix(self.keys[:, :, :first], self.values[:, :, :first])


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


class _Enough(Exception):
    """A block has made its keys and values, and no more is asked of it."""


class _Lent:
    """Stands in for a key-value cache: takes what a block would store, and ends its call."""

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> NoReturn:
        """Keep them."""
        self.keys, self.values = keys, values
        raise _Enough


@dataclass(frozen=True, eq=False)
class Behind:
    """Stands in for a key-value cache: untouched tokens, then those of each copy that were made before."""

    prefix: Prefix
    lent: _Lent

    def update(
        self, keys: Tensor, values: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor | Joined, Tensor | Joined]:
        """Keys and values of all tokens."""
        return self.prefix.update(
            torch.cat([self.lent.keys, keys], dim=2), torch.cat([self.lent.values, values], dim=2)
        )


_Cache = Prefix | Behind | _Lent


@dataclass(frozen=True, eq=False)
class Trace:
    """The calls of every block in one untouched pass."""

    calls: tuple[BlockCall, ...]


def traced_run(
    model: LensModel, tokens: Sequence[tuple[int, ...]], end: int, record: Iterable[str]
) -> tuple[Pass, Trace | None]:
    """Run the model once on whole prompts, untouched; no trace where the calls cannot be repeated."""
    with _calls_of(model) as calls:
        seen = run(model, tokens, end, record=record, treatment=Treatment(), lookup=nothing_to_look_up)
    try:
        return seen, _trace(model, calls)
    except _UnknownCall:
        return seen, None


_Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@contextmanager
def _calls_of(model: LensModel) -> Iterator[list[_Arguments]]:
    """The arguments of each block's call, in order, as they come in while this is open."""
    calls: list[_Arguments] = []

    def note(block: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        del block
        calls.append((arguments, dict(named)))

    handles = [
        block.register_forward_pre_hook(note, with_kwargs=True)
        for block in getattr(model.bridge, "blocks", ())
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _trace(model: LensModel, calls: list[_Arguments]) -> Trace:
    if len(calls) != model.shape.n_layers:
        raise _UnknownCall
    blocks = model.bridge.blocks
    return Trace(tuple(_call(blocks[layer], layer, *one) for layer, one in enumerate(calls)))


def _call(block: Any, layer: int, arguments: tuple[Any, ...], named: dict[str, Any]) -> BlockCall:
    """One block's call with its arguments by name; the stream comes first in every block."""
    if not arguments and "hidden_states" in named:
        arguments = (named.pop("hidden_states"),)
    names = list(inspect.signature(block.original_component.forward).parameters)
    stream = arguments[0] if arguments else None
    if not isinstance(stream, Tensor) or stream.ndim != 3 or len(arguments) > len(names):
        raise _UnknownCall
    settings = {**dict(zip(names[1:], arguments[1:], strict=False)), **named}
    caches = [name for name, value in settings.items() if isinstance(value, Cache)]
    if len(caches) != 1:
        raise _UnknownCall
    keys, values = _stored(settings.pop(caches[0]), layer, stream)
    checked = {name: _common(value, name, stream) for name, value in settings.items()}
    return BlockCall(stream, keys, values, caches[0], checked)


def _stored(cache: Any, layer: int, stream: Tensor) -> tuple[Tensor, Tensor]:
    """The keys and values of every token; a cache that lets old tokens go (sliding window) lacks some."""
    layers = getattr(cache, "layers", ())
    stored = layers[layer] if layer < len(layers) else None
    keys, values = getattr(stored, "keys", None), getattr(stored, "values", None)
    if not isinstance(keys, Tensor) or not isinstance(values, Tensor):
        raise _UnknownCall
    if any(one.ndim != 4 or (one.shape[0], one.shape[2]) != stream.shape[:2] for one in (keys, values)):
        raise _UnknownCall
    return keys, values


def _common(value: Any, name: str, stream: Tensor) -> Any:
    """A setting that is the same for all prompts, which are of one length: one row stands for all."""
    if isinstance(value, tuple) and name in _POSITION_AXES:
        return tuple(_common(one, name, stream) for one in value)
    if not isinstance(value, Tensor):
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise _UnknownCall
    axis = _POSITION_AXES.get(name)
    if axis is None or value.ndim < -axis or value.shape[axis] != stream.shape[1]:
        raise _UnknownCall
    if name == "attention_mask" and value.ndim != 4:
        raise _UnknownCall
    if value.ndim == -axis:
        return value
    if not torch.equal(value, value[:1].expand_as(value)):
        raise _UnknownCall
    return value[:1]


def _at(tokens: range, value: Any, name: str) -> Any:
    """A setting for these tokens only."""
    if isinstance(value, tuple):
        return tuple(_at(tokens, one, name) for one in value)
    return (
        value.narrow(_POSITION_AXES[name], tokens.start, len(tokens)) if isinstance(value, Tensor) else value
    )

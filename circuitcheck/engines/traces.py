"""What an untouched pass leaves behind so that a part of it can be run again: how each block was called.

In: a model, prompts of one length. Out: the `Pass`, and a `Trace`: the residual stream before each block, the
keys and values that its attention stored, and the other arguments (masks, rotary tables) of its call. A
model that calls its blocks in a way that is not known here leaves no trace, and is then run whole.
"""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache

from circuitcheck.engines.calls import POSITION_AXES, BlockCall
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Pass, Treatment, run
from circuitcheck.engines.sources import nothing_to_look_up


class _UnknownCall(Exception):
    """A block was called in a way that this module cannot repeat for some of the positions."""


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
    if isinstance(value, tuple) and name in POSITION_AXES:
        return tuple(_common(one, name, stream) for one in value)
    if not isinstance(value, Tensor):
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise _UnknownCall
    axis = POSITION_AXES.get(name)
    if axis is None or value.ndim < -axis or value.shape[axis] != stream.shape[1]:
        raise _UnknownCall
    if name == "attention_mask" and value.ndim != 4:
        raise _UnknownCall
    if value.ndim == -axis:
        return value
    if not torch.equal(value, value[:1].expand_as(value)):
        raise _UnknownCall
    return value[:1]

"""Passes that start inside the model: the blocks and tokens of a window only, the rest from an untouched pass.

In: a trace and a window. Out: a `Start`, whose numbers are those of the whole pass up to rounding. Whether a
model can be run in this way is not assumed but tried, once per model, against whole passes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.models import LensModel
from circuitcheck.engines.sites import RESID, Z, block_hook
from circuitcheck.engines.starts import Hooks, Told, WholeStart
from circuitcheck.engines.traces import Trace, traced_run
from circuitcheck.engines.unembedding import unembedded
from circuitcheck.engines.windows import WHOLE, Window

_TOKENS = 8
_STRIDE = 7
"""Every so many-th token of the vocabulary is tried when it is unembedded alone."""
_EXACT = 1e-4
"""Relative difference from a whole pass that rounding can make in single precision; a wrong pass is off by more."""
_PRECISE = frozenset({"float32", "float64"})
"""Below single precision, the rounding of a pass in parts is as large as a small effect."""
_seen: WeakKeyDictionary[LensModel, bool] = WeakKeyDictionary()
"""What was found, by model; weak, so that a model can go when its engine does."""


@dataclass(frozen=True, eq=False)
class SuffixStart:
    """The window of one untouched pass; `end` is the token whose logits are wanted, and inside it."""

    model: LensModel
    trace: Trace
    window: Window
    end: int

    @property
    def rows(self) -> int:
        """Prompts."""
        return len(self.trace.calls[0].stream)

    def run(self, copies: int, hooks: Hooks, *, loss: bool = False, wanted: Tensor | None = None) -> Told:
        """Run the blocks of the window on copies of the cached stream, then unembed END."""
        assert not loss, "the loss of a text reads every position, so no window but the whole holds it"
        bridge: Any = self.model.bridge
        with torch.inference_mode(), bridge.hooks(fwd_hooks=hooks):
            logits = unembedded(self._stream_at_end(copies, bridge), bridge, wanted)
        return Told(logits, torch.full((len(logits),), torch.nan), wanted)

    def _stream_at_end(self, copies: int, bridge: Any) -> Float[Tensor, "rows d_model"]:
        window, calls = self.window, self.trace.calls
        stream = self._entering(window.layer, copies)
        for layer in range(window.layer, len(calls)):
            block = bridge.blocks[layer]
            if layer == window.layer and window.until is not None:
                changed = calls[layer].run(
                    block, stream[:, : window.place(window.until) + 1], window.position
                )
                stream = self._entering(layer + 1, copies)
                stream[:, : changed.shape[1]] = changed
            elif layer == len(calls) - 1 and window.only is not None:
                return calls[layer].run_only(block, stream, window.position, window.only)[:, 0]
            else:
                stream = calls[layer].run(block, stream, window.position)
        return stream[:, window.place(self.end)]

    def _entering(self, layer: int, copies: int) -> Float[Tensor, "rows pos d_model"]:
        """Copies of the stream in front of a block in the untouched pass."""
        return self.window.of(self.trace.calls[layer].stream).repeat(copies, 1, 1)


def can_run_suffixes(model: LensModel) -> bool:
    """Whether partial passes of this model agree with its whole passes, with an edit and without."""
    if model not in _seen:
        _seen[model] = model.dtype in _PRECISE and _agrees(model)
    return _seen[model]


def _agrees(model: LensModel) -> bool:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(model.shape.d_vocab, (2, _TOKENS), generator=generator)
    tokens = [tuple(row) for row in drawn.tolist()]
    trace = traced_run(model, tokens, _TOKENS - 1, ())[1]
    if trace is None:
        return False
    return all(_same(model, tokens, trace, window) for window in _windows(model.shape.n_layers))


def _windows(layers: int) -> Iterable[Window]:
    """A few of them: first, middle and last block, few and many tokens, blocks that run for some tokens only."""
    middle, last, end = layers // 2, layers - 1, _TOKENS - 1
    yield from (WHOLE, Window(0, end), Window(middle, 3), Window(last, _TOKENS - 2))
    if layers > 1:
        yield from (Window(0, 2, until=3), Window(0, 2, only=end), Window(last - 1, 1, until=4, only=end))


def _same(model: LensModel, tokens: list[tuple[int, ...]], trace: Trace, window: Window) -> bool:
    """Whether the logits agree, on two copies of the prompts, the second changed in the window's first block.

    Its stream from the window's first token on or, where the first block runs for some tokens only, its heads there.
    """
    hook, end = block_hook(window.layer, RESID if window.until is None else Z), _TOKENS - 1
    scale = trace.calls[window.layer].stream.std()
    span = slice(window.position, None if window.until is None else window.until + 1)
    inside = slice(0, None if window.until is None else window.place(window.until) + 1)
    whole_hooks, part_hooks = ([(hook, partial(_disturb, at=at, by=scale))] for at in (span, inside))
    whole = WholeStart(model, tokens, end).run(2, whole_hooks).logits
    some = torch.arange(0, model.shape.d_vocab, _STRIDE, device=whole.device)
    start = SuffixStart(model, trace, window, end)
    try:
        part, columns = (start.run(2, part_hooks, wanted=wanted).logits for wanted in (None, some))
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError):
        return False  # its blocks, norm or unembedding cannot be called like this
    return _alike(whole, part) and _alike(whole[:, some], columns)


def _alike(whole: Tensor, part: Tensor) -> bool:
    return bool((whole - part).norm() <= _EXACT * whole.norm())


def _disturb(value: Tensor, hook: Any, *, at: slice, by: Tensor) -> Tensor:
    """The second half of the rows with every other number of the stream moved, at some places."""
    del hook
    changed = value.clone()
    changed[len(value) // 2 :, at, ::2] += by
    return changed

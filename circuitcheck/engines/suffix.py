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
from torch import Tensor

from circuitcheck.engines.models import LensModel
from circuitcheck.engines.sites import RESID, block_hook
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
        calls = self.trace.calls[self.window.layer :]
        stream = self.window.of(calls[0].stream).repeat(copies, 1, 1)
        with torch.inference_mode(), bridge.hooks(fwd_hooks=hooks):
            for block, call in zip(bridge.blocks[self.window.layer :], calls, strict=True):
                out = block(stream, **call.settings_from(self.window.position))
                stream = out[0] if isinstance(out, tuple) else out
            logits = unembedded(stream[:, self.window.place(self.end)], bridge, wanted)
        return Told(logits, torch.full((len(logits),), torch.nan), wanted)


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
    """A few of them: first, middle and last block, few and many tokens."""
    return (WHOLE, Window(0, _TOKENS - 1), Window(layers // 2, 3), Window(layers - 1, _TOKENS - 2))


def _same(model: LensModel, tokens: list[tuple[int, ...]], trace: Trace, window: Window) -> bool:
    """Whether the logits agree, on two copies of the prompts, the second with its stream changed in the window."""
    hook, end = block_hook(window.layer, RESID), _TOKENS - 1
    scale = trace.calls[window.layer].stream.std()
    whole_hooks, part_hooks = (
        [(hook, partial(_disturb, at=at, by=scale))]
        for at in (window.position, window.place(window.position))
    )
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


def _disturb(value: Tensor, hook: Any, *, at: int, by: Tensor) -> Tensor:
    """The second half of the rows with every other number of the stream moved, from one place on."""
    del hook
    changed = value.clone()
    changed[len(value) // 2 :, at:, ::2] += by
    return changed

"""How fast a model runs here, and whether its passes leave a trace at some length: found by short trials.

In: a model. Out: seconds for passes and tokens, and a yes or no; each tried once.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch

from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Treatment, run
from circuitcheck.engines.sources import nothing_to_look_up
from circuitcheck.engines.traces import traced_run

_LENGTH = 8
_FEW, _MANY = 1, 33
"""Prompts of the two passes that are timed; the difference is 256 tokens."""
_TRIES = 2
_traced: WeakKeyDictionary[LensModel, dict[int, bool]] = WeakKeyDictionary()
_paces: WeakKeyDictionary[LensModel, "Pace"] = WeakKeyDictionary()


@dataclass(frozen=True)
class Pace:
    """Seconds of a whole pass, however small, and seconds that each of its tokens adds."""

    per_pass: float
    per_token: float

    def seconds(self, passes: float, tokens: float) -> float:
        """Seconds for so many whole passes, with so many tokens in all of them."""
        return passes * self.per_pass + tokens * self.per_token


def pace_of(model: LensModel) -> Pace:
    """The pace of untouched passes, the better of two tries each; hooks, metrics and dictionaries come on top."""
    if model not in _paces:
        few, many = (min(_timed(model, prompts) for _ in range(_TRIES)) for prompts in (_FEW, _MANY))
        per_token = max(many - few, 0) / ((_MANY - _FEW) * _LENGTH)
        _paces[model] = Pace(max(few - _FEW * _LENGTH * per_token, 0), per_token)
    return _paces[model]


def leaves_trace(model: LensModel, length: int) -> bool:
    """Whether an untouched pass over prompts of this length leaves a trace (a sliding window may let keys go)."""
    known = _traced.setdefault(model, {})
    if length not in known:
        with torch.inference_mode():
            known[length] = traced_run(model, _drawn(model, 1, length), length - 1, ())[1] is not None
    return known[length]


def _timed(model: LensModel, prompts: int) -> float:
    tokens, started = _drawn(model, prompts, _LENGTH), time.perf_counter()
    with torch.inference_mode():
        seen = run(model, tokens, _LENGTH - 1, record=(), treatment=Treatment(), lookup=nothing_to_look_up)
        seen.logits[0, 0].item()  # waits for an accelerator
    return time.perf_counter() - started


def _drawn(model: LensModel, prompts: int, length: int) -> Sequence[tuple[int, ...]]:
    return [tuple(1 + index % (model.shape.d_vocab - 1) for index in range(length))] * prompts

"""Finds out whether a model can be run part by part: its blocks' arithmetic is not assumed but tried.

In: a model and a prompt length. Out: yes or no, from random keep-only interventions run both ways on random
tokens. Norms behind attention or MLP, norms of queries, gates and the like give other numbers, and then
whole passes are run. Tried per length, because some attention depends on how long the prompt is.
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from circuitcheck.engine import Source
from circuitcheck.engines.kept_circuit import KeptParts
from circuitcheck.engines.kept_run import kept_logits
from circuitcheck.engines.kept_scene import KeptScene
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Pass, Treatment, Variant, run_variants
from circuitcheck.engines.quantities import SiteValue
from circuitcheck.engines.sites import MLP_OUT, Site, Z, block_hook
from circuitcheck.engines.sources import Reference
from circuitcheck.engines.starts import WholeStart
from circuitcheck.engines.steps import KeepHook
from circuitcheck.engines.traces import traced_run

_EXACT = 1e-4
"""Relative difference from whole passes that rounding can make in single precision; a wrong part is off by more."""
_SHARES = (0.3, 0.7, 1.0)
"""Of the heads and MLPs, those that are kept at some place, per trial."""
_seen: WeakKeyDictionary[LensModel, dict[int, bool]] = WeakKeyDictionary()
"""What was found, by model and length; weak, so that a model can go when its engine does."""


def can_run_parts_of(model: LensModel, length: int) -> bool:
    """Whether keep-only runs of this model on prompts of this many tokens agree with its whole passes.

    Not tried where scores are capped, which small scores would not show.
    """
    found = _seen.setdefault(model, {})
    if length not in found:
        capped = (getattr(model.bridge.cfg, "attn_scores_soft_cap", None) or 0) > 0
        found[length] = length > 1 and not capped and _agrees(model, length)
    return found[length]


def _agrees(model: LensModel, length: int) -> bool:
    generator = torch.Generator().manual_seed(length)
    drawn = torch.randint(model.shape.d_vocab, (2, length), generator=generator)
    tokens = [tuple(row) for row in drawn.tolist()]
    treatments = [_treatment(model, length, share, generator) for share in _SHARES]
    hooks = {step.hook for step in treatments[0].steps}
    if any(model.bridge.get_hook_point(hook) is None for hook in hooks):
        return False
    seen, trace = traced_run(model, tokens, length - 1, hooks)
    if trace is None:
        return False
    lookup = _Other(seen)
    variants = [Variant(treatment, frozenset()) for treatment in treatments]
    start = WholeStart(model, tokens, length - 1)
    # One by one: a trial has no budget of memory to keep to, so it takes as little as it can.
    whole = [run_variants(start, [variant], lookup)[0] for variant in variants]
    try:
        parts = kept_logits(KeptScene(model, trace, KeptParts(0, 1), lookup), treatments, length - 1)
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError):
        return False  # its weights, norms or MLPs cannot be read or called like this
    return all(_same(one.logits, part) for one, part in zip(whole, parts, strict=True))


def _treatment(model: LensModel, length: int, share: float, generator: torch.Generator) -> Treatment:
    """Everything behind the first token comes from the other prompt but for a random share of parts."""
    positions, shape = tuple(range(1, length)), model.shape
    steps = []
    for layer in range(shape.n_layers):
        for name, parts in ((Z, shape.n_heads), (MLP_OUT, 1)):
            hook = block_hook(layer, name)
            kept = torch.rand(len(positions), parts, generator=generator) < share
            reference = Reference(Source("clean"), SiteValue(Site(hook)))
            steps.append(KeepHook(hook, positions, kept, reference))
    return Treatment(tuple(steps))


class _Other:
    """Lends each of two prompts what the other one had."""

    def __init__(self, seen: Pass) -> None:
        self._seen = seen

    def __call__(self, reference: Reference, positions: Sequence[int]) -> Tensor:
        return reference.quantity.of(self._seen.recorded).flip(0)[:, list(positions)]


def _same(whole: Tensor, part: Tensor) -> bool:
    return bool((whole - part).norm() <= _EXACT * whole.norm())

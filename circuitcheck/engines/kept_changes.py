"""By how much a keep-only intervention changes its scope, so that one which does nothing is found out.

In: the steps of a `KeepOnly`, and what the untouched pass of its side had at their hooks. Out: one number per
prompt, the largest over its hooks. Asked of the untouched pass and not of the intervention's own, because
what is ablated is not computed there. For the question it makes no difference: up to the first hook that
changes, both passes are the same.
"""

from dataclasses import dataclass, field
from functools import reduce

import torch
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.hooks import TINY, relative_change
from circuitcheck.engines.passes import Live, Pass, Treatment
from circuitcheck.engines.sites import Site
from circuitcheck.engines.sources import Lookup
from circuitcheck.engines.steps import KeepHook

Squares = Float[Tensor, "batch places parts"]


@dataclass
class ScopeChanges:
    """The changes on one side of one batch; sizes are shared by all interventions with the same source."""

    untouched: Pass
    lookup: Lookup
    _sizes: dict[tuple[str, object], "_Sizes"] = field(default_factory=dict)

    def of(self, treatment: Treatment) -> Float[Tensor, " batch"]:
        """The relative change of the scope of a keep-only intervention, 0 to 2."""
        return reduce(
            torch.maximum, [self._at(step) for step in treatment.steps if isinstance(step, KeepHook)]
        )

    def _at(self, step: KeepHook) -> Float[Tensor, " batch"]:
        if step.terms:
            return self._by_formula(step)
        key = (step.hook, step.reference)
        if key not in self._sizes:
            self._sizes[key] = self._measured(step)
        return self._sizes[key].change(step.kept)

    def _by_formula(self, step: KeepHook) -> Float[Tensor, " batch"]:
        """Where features, neurons or errors mix in."""
        old, seen = self.untouched.recorded[step.hook], dict(self.untouched.recorded)
        new = step.apply(old, Live(len(old), self.lookup, incoming=seen, recorded=seen))
        site, places = Site(step.hook), list(step.positions)
        return relative_change(site.read(old)[:, places], site.read(new)[:, places])

    def _measured(self, step: KeepHook) -> "_Sizes":
        own = Site(step.hook).read(self.untouched.recorded[step.hook])[:, list(step.positions)]
        reference = self.lookup(step.reference, step.positions).expand_as(own)
        return _Sizes(
            *(_squares(one.double(), step.kept.shape[1]) for one in (own, reference, reference - own))
        )


@dataclass(frozen=True)
class _Sizes:
    """Squared norms at one hook, by place and part: the untouched value, its reference, their difference."""

    own: Squares
    reference: Squares
    difference: Squares

    def change(self, kept: Tensor) -> Float[Tensor, " batch"]:
        """As `hooks.relative_change`, were everything but the kept parts replaced."""
        live, ablated = kept.to(self.own), (~kept).to(self.own)
        new = _over(self.own, live) + _over(self.reference, ablated)
        size = torch.maximum(self.own.sum((1, 2)), new).sqrt().clamp(min=TINY)
        return _over(self.difference, ablated).sqrt() / size


def _squares(value: Float[Tensor, "batch places width"], parts: int) -> Squares:
    split = rearrange(value, "batch places (parts width) -> batch places parts width", parts=parts)
    return split.square().sum(-1)


def _over(squares: Squares, mask: Float[Tensor, "places parts"]) -> Float[Tensor, " batch"]:
    return einsum(squares, mask, "batch places parts, places parts -> batch")

"""The other side: `TransformerBridge.run_with_hooks`, one whole pass for each intervention.

In: the same interventions, written as plain hooks. Out: the same numbers.
Several interventions may share a pass, each on its own copy of the prompts, so that no batch is left small.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.plain_hooks import Change, Edit, Writer, edits_of
from benchmarks.setting import Setting
from circuitcheck.engine import Intervention, Values

Cache = Mapping[str, Tensor]


@dataclass(frozen=True)
class Part:
    """What one pass runs: these interventions, each on a copy of these prompts."""

    interventions: range
    prompts: range


@dataclass(frozen=True)
class HookedLoop:
    """Measures interventions by whole passes of `rows` prompts, copies counted.

    With `end_only` the unembedding is computed at the last token alone; else at every token, as users call it.
    """

    setting: Setting
    rows: int
    end_only: bool
    writer: Writer = edits_of
    corrupt: Cache | None = None
    """The corrupt side's activations, where they are there already; else `measure` begins with them."""

    def measure(self, interventions: Sequence[Intervention]) -> Values:
        """The logit difference under each, shape (interventions, prompts); in logits."""
        edits = [self.writer(one, self.setting) for one in interventions]
        found = np.full((len(edits), len(self.setting.prompts)), np.nan)
        with torch.inference_mode():
            corrupt = self.corrupt or self._corrupt({edit.hook for each in edits for edit in each})
            for part in self._parts(len(edits)):
                seen = self._pass([edits[one] for one in part.interventions], part.prompts, corrupt)
                rows, columns = slice_of(part.interventions), slice_of(part.prompts)
                found[rows, columns] = seen.reshape(len(part.interventions), -1).cpu().numpy()
        return found

    def prepared(self, interventions: Sequence[Intervention]) -> "HookedLoop":
        """The same with the corrupt side's activations for these, so that `measure` need not run it again."""
        hooks = {edit.hook for one in interventions for edit in self.writer(one, self.setting)}
        with torch.inference_mode():
            return replace(self, corrupt=self._corrupt(hooks))

    def clean(self, copies: int = 1) -> Values:
        """The logit difference without any intervention, in one pass; shape (copies x prompts,)."""
        with torch.inference_mode():
            return np.asarray(self._pass([[]] * copies, range(len(self.setting.prompts)), {}).cpu().numpy())

    def share(self, interventions: Sequence[Intervention], of: Sequence[Intervention]) -> float:
        """What these cost of the whole work: passes, and one over the corrupt prompts unless it is done already."""
        before = int(self.corrupt is None)
        return (len(interventions) + before) / (len(of) + before)

    def _parts(self, interventions: int) -> Iterator[Part]:
        n = len(self.setting.prompts)
        copies, batch = max(1, self.rows // n), min(self.rows, n)
        for first in range(0, interventions, copies):
            for start in range(0, n, batch):
                yield Part(
                    range(first, min(first + copies, interventions)), range(start, min(start + batch, n))
                )

    def _corrupt(self, hooks: set[str]) -> Cache:
        """The corrupt side's activations at these hooks, all prompts."""
        n, kept = len(self.setting.prompts), defaultdict(list)
        for part in self._parts(1):
            ids = self._tokens(self.setting.prompts.corrupt, part.prompts)
            _, cache = self._bridge.run_with_cache(ids, names_filter=sorted(hooks), **self._restriction)
            for hook in hooks:
                kept[hook].append(cache[hook])
        assert all(sum(map(len, batches)) == n for batches in kept.values()), "every prompt has been run"
        return {hook: torch.cat(batches) for hook, batches in kept.items()}

    def _pass(self, edits: Sequence[Sequence[Edit]], prompts: range, corrupt: Cache) -> Tensor:
        """The metric of every copy of the prompts, one after the other."""
        changes: dict[str, list[tuple[int, Change]]] = defaultdict(list)
        for copy, each in enumerate(edits):
            for edit in each:
                changes[edit.hook].append((copy, edit.change))
        lent = {hook: corrupt[hook][slice_of(prompts)] for hook in changes}
        hooks = [
            (hook, partial(change_copies, changes=changes[hook], corrupt=lent[hook])) for hook in changes
        ]
        ids = self._tokens(self.setting.prompts.clean, prompts).repeat(len(edits), 1)
        logits = self._bridge.run_with_hooks(ids, fwd_hooks=hooks, **self._restriction)[:, -1]
        return self._logit_diff(logits, prompts, len(edits))

    def _logit_diff(self, logits: Float[Tensor, "rows vocab"], prompts: range, copies: int) -> Tensor:
        targets = zip(self.setting.prompts.answers, self.setting.prompts.foils, strict=True)
        scored = [(answer, foils[0]) for answer, foils in targets][slice_of(prompts)]
        ids = torch.tensor(scored, device=logits.device).repeat(copies, 1)
        values = logits.gather(1, ids).double()
        return values[:, 0] - values[:, 1]

    def _tokens(self, side: Sequence[tuple[int, ...]], prompts: range) -> Tensor:
        return torch.tensor(side[slice_of(prompts)], device=self.setting.model.device)

    @property
    def _bridge(self) -> Any:
        return self.setting.model.bridge

    @property
    def _restriction(self) -> dict[str, int]:
        return {"logits_to_keep": 1} if self.end_only else {}


def slice_of(numbers: range) -> slice:
    """The same numbers as a slice."""
    return slice(numbers.start, numbers.stop)


def change_copies(
    value: Tensor, hook: Any, *, changes: Sequence[tuple[int, Change]], corrupt: Tensor
) -> Tensor:
    """A hook that changes each copy of the prompts in its own way."""
    del hook
    for copy, change in changes:
        change(value[copy * len(corrupt) : (copy + 1) * len(corrupt)], corrupt)
    return value

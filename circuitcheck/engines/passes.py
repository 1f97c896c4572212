"""One forward pass through TransformerBridge, recorded and, where steps say so, edited.

In: token ids, the hooks to record, the steps of an intervention. Out: `Pass`. Nothing here knows
what the steps mean.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from circuitcheck.engines.dictionaries import Dictionary
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.quantities import Recorded
from circuitcheck.engines.sources import Lookup, Reference
from circuitcheck.errors import MeasurementError

BEFORE, EDIT, AFTER = 0, 10, 20
"""Ranks: below EDIT a step sees shadow rows too and comes before the edits; from AFTER on, after them."""


@dataclass(frozen=True)
class ReplacedCode:
    """The activations that a feature was given, and where: `mask` is true at those positions."""

    values: Float[Tensor, "batch pos"]
    mask: Bool[Tensor, " pos"]


@dataclass
class Live:
    """What a pass under way has shown so far, and what its steps ask of other passes.

    `incoming` holds each hook's tensor before its edits, `recorded` after them, both for the real rows
    (the first `rows` of the batch; the others are shadows). `changes` holds each node's relative change.
    """

    rows: int
    lookup: Lookup
    incoming: dict[str, Tensor] = field(default_factory=dict)
    recorded: dict[str, Tensor] = field(default_factory=dict)
    changes: dict[int, Tensor] = field(default_factory=dict)
    codes: dict[tuple[Dictionary, int], ReplacedCode] = field(default_factory=dict)

    def at(self, hook: str) -> Recorded:
        """The stream as a step at `hook` sees it: this hook before its edits, earlier ones after theirs."""
        return {**self.recorded, hook: self.incoming[hook]}


@runtime_checkable
class Step(Protocol):
    """One thing that an intervention does at one hook."""

    @property
    def hook(self) -> str:
        """The hook's name."""

    @property
    def rank(self) -> int:
        """When, among the steps of its hook; lower is earlier."""

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it asks of other passes."""

    @property
    def live_hooks(self) -> tuple[str, ...]:
        """Earlier hooks of this pass that it reads."""

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """The tensor that goes on in place of `value`."""


@dataclass(frozen=True)
class Pass:
    """What one forward pass showed: hook tensors and the logits at END."""

    recorded: Mapping[str, Tensor]
    logits: Float[Tensor, "batch vocab"]
    changes: Mapping[int, Tensor] = field(default_factory=dict)
    codes: Mapping[tuple[Dictionary, int], ReplacedCode] = field(default_factory=dict)

    def rows(self, picked: Sequence[int]) -> "Pass":
        """The same pass, of these rows only."""
        return Pass(
            {hook: value[list(picked)] for hook, value in self.recorded.items()}, self.logits[list(picked)]
        )


@dataclass(frozen=True)
class Treatment:
    """An intervention on the prompts of one group: its steps, and how many shadow copies they need.

    A shadow copy of the batch is where a query head's own key or value lives (see `private`).
    """

    steps: tuple[Step, ...] = ()
    shadows: int = 0
    columns: int = 0
    """How many nodes report a change."""


def run(
    model: LensModel,
    tokens: Sequence[tuple[int, ...]],
    end: int,
    *,
    record: Iterable[str],
    treatment: Treatment,
    lookup: Lookup,
) -> Pass:
    """Run the model once on prompts of one length.

    Raises:
        MeasurementError: when a hook that an intervention or a reading needs never fires.
    """
    live = Live(len(tokens), lookup)
    by_hook: dict[str, list[Step]] = defaultdict(list)
    for step in sorted(treatment.steps, key=lambda step: step.rank):
        by_hook[step.hook].append(step)
    wanted = {*record, *(hook for step in treatment.steps for hook in step.live_hooks)}
    names = sorted(wanted | set(by_hook))
    hooks = [
        (name, partial(_at_hook, name=name, steps=by_hook[name], live=live, record=name in wanted))
        for name in names
    ]
    ids = torch.tensor(tokens, device=model.device).repeat(1 + treatment.shadows, 1)
    with torch.inference_mode():
        logits = model.bridge.run_with_hooks(ids, fwd_hooks=hooks)[: len(tokens), end]
    if silent := [name for name in names if name not in live.incoming]:
        msg = f"{model.name} never passed through {silent[0]}, so nothing can be done or read there."
        raise MeasurementError(msg)
    return Pass(live.recorded, logits, live.changes, live.codes)


def _at_hook(
    value: Tensor, hook: Any, *, name: str, steps: Sequence[Step], live: Live, record: bool
) -> Tensor | None:
    """What a hook does: run its steps in order; `hook` is the bridge's own object and goes unused."""
    del hook
    for step in (step for step in steps if step.rank < EDIT):
        value = step.apply(value, live)
    main, shadows = value[: live.rows], value[live.rows :]
    live.incoming[name] = main
    for step in (step for step in steps if EDIT <= step.rank < AFTER):
        main = step.apply(main, live)
    if record:
        live.recorded[name] = main
    if not steps:
        return None
    value = torch.cat([main, shadows]) if len(shadows) else main
    for step in (step for step in steps if step.rank >= AFTER):
        value = step.apply(value, live)
    return value

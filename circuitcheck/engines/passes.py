"""One pass through TransformerBridge, recorded and, where steps say so, edited.

In: where the pass starts, the hooks to record, the steps of interventions. Out: `Pass`es. Several
interventions may share one pass: each has its own copy of the prompts, stacked along the batch axis.
Nothing here knows what the steps mean.
"""

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
from circuitcheck.engines.starts import Hooks, Start, WholeStart
from circuitcheck.engines.windows import WHOLE, Window
from circuitcheck.errors import MeasurementError

LOSS = "loss"
"""Recorded like a hook, and is none: the loss of each text, shape (batch,), which takes logits at every position."""

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
    (the first `rows` of the batch; the others are shadows) and for the positions of `window` only.
    `changes` holds each node's relative change.
    """

    rows: int
    lookup: Lookup
    window: Window = WHOLE
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
    def positions(self) -> tuple[int, ...]:
        """The token positions at which it changes something by itself, BOS counted."""

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it asks of other passes."""

    @property
    def live_hooks(self) -> tuple[str, ...]:
        """Earlier hooks of this pass that it reads."""

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """The tensor that goes on in place of `value`; its position axis is the window's."""


@dataclass(frozen=True)
class Pass:
    """What one pass showed of its window: hook tensors (and `LOSS`, where asked for), and the logits at END.

    `logits` has a column for each of `tokens`; None stands for the whole vocabulary.
    """

    recorded: Mapping[str, Tensor]
    logits: Float[Tensor, "batch tokens"]
    changes: Mapping[int, Tensor] = field(default_factory=dict)
    codes: Mapping[tuple[Dictionary, int], ReplacedCode] = field(default_factory=dict)
    window: Window = WHOLE
    tokens: Tensor | None = None

    def rows(self, picked: Sequence[int]) -> "Pass":
        """The same pass, of these rows only."""
        return Pass(
            {hook: value[list(picked)] for hook, value in self.recorded.items()}, self.logits[list(picked)]
        )


@dataclass(frozen=True)
class Treatment:
    """An intervention on the prompts of one group: its steps, and how many shadow copies they need.

    A shadow copy of the batch is where a query head's own key or value lives (see `private`), or where readers
    see a stream of their own (see `readers`).
    """

    steps: tuple[Step, ...] = ()
    shadows: int = 0
    columns: int = 0
    """How many nodes report a change."""


@dataclass(frozen=True)
class Variant:
    """One intervention among those that share a pass, and the hooks to record under it."""

    treatment: Treatment
    record: frozenset[str]

    @property
    def recorded(self) -> frozenset[str]:
        """What is recorded: what was asked for, and what its own steps read."""
        return self.record | {hook for step in self.treatment.steps for hook in step.live_hooks}

    def steps_at(self, hook: str) -> list[Step]:
        """Its steps at one hook, in their order."""
        return sorted((step for step in self.treatment.steps if step.hook == hook), key=lambda one: one.rank)

    @property
    def hooks(self) -> frozenset[str]:
        """Every hook at which it does or records something."""
        return (self.recorded | {step.hook for step in self.treatment.steps}) - {LOSS}


def run(
    model: LensModel,
    tokens: Sequence[tuple[int, ...]],
    end: int,
    *,
    record: Iterable[str],
    treatment: Treatment,
    lookup: Lookup,
) -> Pass:
    """Run the model once on whole prompts of one length.

    Raises:
        MeasurementError: when a hook that an intervention or a reading needs never fires.
    """
    return run_variants(WholeStart(model, tokens, end), [Variant(treatment, frozenset(record))], lookup)[0]


def run_variants(
    start: Start, variants: Sequence[Variant], lookup: Lookup, tokens: Tensor | None = None
) -> list[Pass]:
    """Run the model once on a copy of the prompts per variant, each with as many shadows behind it as the others.

    Logits are told for these tokens only, or for the whole vocabulary.

    Raises:
        MeasurementError: when a hook that an intervention or a reading needs never fires.
    """
    lives = [Live(start.rows, lookup, start.window) for _ in variants]
    copies = {1 + variant.treatment.shadows for variant in variants}
    assert len(copies) == 1, "the batch is dealt out in equal parts"
    each = copies.pop()
    loss = any(LOSS in variant.record for variant in variants)
    seen = start.run(len(variants) * each, _hooks(variants, lives), loss=loss, wanted=tokens)
    parts = [torch.split(part, start.rows)[::each] for part in (seen.logits, seen.loss)]
    for variant, live, told in zip(variants, lives, parts[1], strict=True):
        if LOSS in variant.record:
            live.recorded[LOSS] = told
        if silent := sorted(variant.hooks - live.incoming.keys()):
            msg = (
                f"{start.model.name} never passed through {silent[0]}, so nothing can be done or read there."
            )
            raise MeasurementError(msg)
    return [
        Pass(live.recorded, part, live.changes, live.codes, live.window, seen.tokens)
        for live, part in zip(lives, parts[0], strict=True)
    ]


@dataclass(frozen=True)
class _Place:
    """What one variant does at one hook, to its own slice of the batch."""

    number: int
    steps: tuple[Step, ...]
    live: Live
    record: bool


def _hooks(variants: Sequence[Variant], lives: Sequence[Live]) -> Hooks:
    """One function per hook, which deals the batch out to the variants that have something to do there."""
    places: dict[str, list[_Place]] = {}
    for number, (variant, live) in enumerate(zip(variants, lives, strict=True)):
        for hook in variant.hooks:
            one = _Place(number, tuple(variant.steps_at(hook)), live, hook in variant.recorded)
            places.setdefault(hook, []).append(one)
    count = len(variants)
    return [(hook, partial(_at_hook, name=hook, places=places[hook], count=count)) for hook in sorted(places)]


def _at_hook(value: Tensor, hook: Any, *, name: str, places: Sequence[_Place], count: int) -> Tensor | None:
    """What a hook does to `count` variants; `hook` is the bridge's own object and goes unused."""
    del hook
    parts = list(torch.split(value, len(value) // count))
    for place in places:
        parts[place.number] = _treat(parts[place.number], name, place)
    if not any(place.steps for place in places):
        return None
    return parts[0] if count == 1 else torch.cat(parts)


def _treat(value: Tensor, name: str, place: _Place) -> Tensor:
    """Run the steps of one variant in order."""
    steps, live = place.steps, place.live
    for step in (step for step in steps if step.rank < EDIT):
        value = step.apply(value, live)
    main, shadows = value[: live.rows], value[live.rows :]
    live.incoming[name] = main
    for step in (step for step in steps if EDIT <= step.rank < AFTER):
        main = step.apply(main, live)
    if place.record:
        live.recorded[name] = main
    value = torch.cat([main, shadows]) if len(shadows) else main
    for step in (step for step in steps if step.rank >= AFTER):
        value = step.apply(value, live)
    return value

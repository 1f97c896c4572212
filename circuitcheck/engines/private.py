"""One query head's own copy of a key or value that a group of query heads shares.

A shadow copy of the batch runs along. At the layer in question it starts from the same residual
stream, its shared key or value is replaced, and of its attention only that one head's pattern and
output are taken over into the real rows. The head's scores are thus computed by the model itself,
whatever its rotary, scale, soft-cap or gate, and the other heads of the group see nothing of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from circuitcheck.engines.hooks import relative_change
from circuitcheck.engines.passes import AFTER, BEFORE, Live, Step
from circuitcheck.engines.sites import PATTERN, RESID, Site, Z, block_hook
from circuitcheck.engines.sources import Reference

_COPIED = (RESID, "attn.hook_q", "attn.hook_k", "attn.hook_v")
"""Hooks at which shadows take over what the real rows have, with every edit made there."""


@dataclass(frozen=True)
class CopyToShadows:
    """Make the shadow rows equal to the real ones."""

    hook: str
    rank: int = AFTER
    positions: tuple[int, ...] = ()
    references: tuple[Reference, ...] = ()
    live_hooks: tuple[str, ...] = ()

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """Repeat the real rows."""
        copies = len(value) // live.rows
        return value[: live.rows].repeat(copies, *[1] * (value.ndim - 1))


@dataclass(frozen=True)
class ReplacePrivate:
    """Put the reference in at the shared key or value, in one shadow only."""

    column: int
    slot: int
    site: Site
    positions: tuple[int, ...]
    reference: Reference
    live_hooks: tuple[str, ...] = ()

    @property
    def hook(self) -> str:
        """The site's hook."""
        return self.site.hook

    @property
    def rank(self) -> int:
        """After the shadows have been made equal."""
        return AFTER + 1

    @property
    def references(self) -> tuple[Reference, ...]:
        """The new value."""
        return (self.reference,)

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """Write into the rows of the shadow."""
        rows, places = shadow(self.slot, live), live.window.places(self.positions)
        old = self.site.read(live.incoming[self.hook])[:, places]
        new = live.lookup(self.reference, self.positions).expand_as(old)
        live.changes[self.column] = relative_change(old, new)
        return torch.cat([value[: rows.start], self.site.write(value[rows], places, new), value[rows.stop :]])


@dataclass(frozen=True)
class TakeFromShadow:
    """Take one head's pattern, or its output, over from its shadow; `axis` is that of heads."""

    hook: str
    axis: int
    head: int
    slot: int
    rank: int = BEFORE
    positions: tuple[int, ...] = ()
    references: tuple[Reference, ...] = ()
    live_hooks: tuple[str, ...] = ()

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """Copy the head's slice."""
        changed = value.clone()
        taken = value[shadow(self.slot, live)].select(self.axis, self.head)
        changed[: live.rows].select(self.axis, self.head).copy_(taken)
        return changed


def shadow_steps(slots: Mapping[tuple[int, int], int]) -> list[Step]:
    """What every private copy needs, given the shadow's number by (layer, head)."""
    steps: list[Step] = [
        CopyToShadows(block_hook(layer, name)) for layer in {layer for layer, _ in slots} for name in _COPIED
    ]
    for (layer, head), slot in slots.items():
        steps.append(TakeFromShadow(block_hook(layer, PATTERN), axis=1, head=head, slot=slot))
        steps.append(TakeFromShadow(block_hook(layer, Z), axis=2, head=head, slot=slot))
    return steps


def slots_of(heads: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A shadow for each (layer, head); layers share shadows, heads of one layer do not."""
    slots: dict[tuple[int, int], int] = {}
    for layer in {layer for layer, _ in heads}:
        for slot, head in enumerate(sorted(head for other, head in heads if other == layer)):
            slots[layer, head] = slot
    return slots


def shadow(slot: int, live: Live) -> slice:
    """The rows of one shadow."""
    return slice((slot + 1) * live.rows, (slot + 2) * live.rows)

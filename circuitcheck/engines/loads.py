"""What the batches of one group take: the footprints of everything on its schedule, added up.

In: a schedule. Out: `Load`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from circuitcheck.engine import Condition, KeepOnly, Side
from circuitcheck.engines.footprints import Footprint, Load, edit_bytes
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import LOSS, Variant
from circuitcheck.engines.schedule import Schedule
from circuitcheck.engines.windows import WHOLE, Window


def load_of(schedule: Schedule, model: LensModel) -> Load:
    """What the batches of one group take, per prompt."""
    weigher = _Weigher(schedule, Footprint.of(model))
    return Load(schedule.scene.length, weigher.held, weigher.passing, weigher.copies)


@dataclass(frozen=True)
class _Weigher:
    """Adds up one group's schedule."""

    schedule: Schedule
    footprint: Footprint

    @property
    def held(self) -> int:
        """The untouched passes of both sides, one more for every derangement of donors, and the last patterns."""
        borrowed = {
            (one.source.over, one.donor) for one in self.schedule.references if one.source.kind == "resample"
        }
        passes: list[Side] = [*("clean", "corrupt"), *(side for side, _ in sorted(borrowed))]
        kept = {one.side for one in self.schedule.treatments if isinstance(one.intervention, KeepOnly)}
        traces = len(self.schedule.partial_sides) * self.footprint.trace(self._length)
        shape = self.footprint.shape
        return (
            sum(self._untouched(side) for side in passes)
            + traces
            + len(kept) * self.footprint.ablated(self._length)
            + self.footprint.patterns(shape.n_layers, self._length, self._length)
        )

    @property
    def passing(self) -> int:
        """An untouched pass of either side."""
        loss = any(LOSS in hooks for hooks in self.schedule.hooks.values())
        return self.footprint.whole(self._length, loss=loss)

    @property
    def copies(self) -> dict[tuple[Condition, Window], int]:
        """Every condition in its window and, since a partial pass can be in doubt, whole."""
        return {
            (condition, part): self._copy(self.schedule.variant(condition), part)
            for condition, window in self.schedule.windows.items()
            if condition.intervention is not None
            for part in (window, WHOLE)
        }

    @property
    def _length(self) -> int:
        return self.schedule.scene.length

    def _untouched(self, side: Side) -> int:
        hooks = self.schedule.hooks.get(side, frozenset())
        return self.footprint.told + self._recorded(hooks, self._length)

    def _recorded(self, hooks: Iterable[str], queries: int) -> int:
        return sum(self.footprint.hook(hook, queries, self._length) for hook in hooks)

    def _copy(self, variant: Variant, window: Window) -> int:
        queries, treatment = self._length - window.position, variant.treatment
        in_flight = self.footprint.part(window, self._length) * (1 + treatment.shadows)
        if LOSS in variant.record:
            in_flight += self.footprint.whole(self._length, loss=True) - self.footprint.whole(self._length)
        seen = 2 * self._recorded(variant.hooks, queries)  # before the edits and after them
        changed = max(
            (
                edit_bytes(self.footprint, step.hook, len(step.positions), self._length)
                for step in treatment.steps
            ),
            default=0,
        )
        quantities = [reference.quantity for step in treatment.steps for reference in step.references]
        read = max((self.footprint.code(quantity, queries) for quantity in quantities), default=0)
        return in_flight + seen + changed + read

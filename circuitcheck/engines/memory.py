"""The memory budget: how many prompts and copies of them run together, kept by looking at what they took.

In: a limit in bytes, and what a group takes by its `Load`. Out: sizes of batches and stacks. Sums over tensors come
first; where a pass is then seen to have taken more, all later sums are multiplied by as much.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from circuitcheck.byte_sizes import bytes_text
from circuitcheck.engine import Condition
from circuitcheck.engines.footprints import Load
from circuitcheck.engines.gauges import Gauge, gauge_of
from circuitcheck.engines.windows import Window
from circuitcheck.errors import MeasurementError

_SHARE = 0.5
"""Share of the free memory that measuring may take unless it is told how much."""
_ASIDE = 64 << 20
"""Bytes kept aside for what does not grow with prompts, such as the work space of matrix libraries."""
_ASIDE_SHARE = 0.25
"""The most of the limit that is kept aside."""
_HELD_SHARE = 0.5
"""Share of the limit that a batch's untouched passes may hold, so that stacks have room beside them."""


@dataclass
class Memory:
    """What measuring may take on top of the loaded model and dictionaries, in bytes.

    `factor` is by how much passes were seen to take more than their sum; 1 until one does. `notes` are sentences
    for the report about what did not fit.
    """

    limit: int
    gauge: Gauge
    factor: float = 1.0
    notes: list[str] = field(default_factory=list)

    @classmethod
    def on(cls, device: str, limit: int | None = None) -> "Memory":
        """The budget on a device: the limit, or half of what is free now."""
        gauge = gauge_of(device)
        return cls(int(_SHARE * gauge.free()) if limit is None else limit, gauge)

    def prompts(self, load: Load, most: int, taken: int = 0) -> int:
        """How many prompts a batch may have; `taken` are bytes that stay in use between batches.

        Raises:
            MeasurementError: when not even one fits.
        """
        room = self._room(taken)
        if load.prompt > room:
            needed = bytes_text(load.prompt * self.factor + self._aside + taken)
            msg = (
                f"one prompt of {load.length} tokens needs about {needed}, and measuring may take "
                f"{bytes_text(self.limit)}; give it more with --circuit-memory, or use shorter prompts."
            )
            raise MeasurementError(msg)
        beside_stacks = int(_HELD_SHARE * room / load.held) if load.held else most
        return max(1, min(most, int(room / load.prompt), beside_stacks))

    def copies(self, load: Load, prompts: int, condition: Condition, window: Window, taken: int = 0) -> int:
        """How many copies of a batch may run in one stack with this condition; 1 at least."""
        room = self._room(taken) - prompts * load.held
        return max(1, int(room / (prompts * load.copy(condition, window))))

    @contextmanager
    def watched(self, expected: int) -> Iterator[None]:
        """Compare the high-water mark of what is done meanwhile with what was expected, and learn from it."""
        self.gauge.begin()
        yield
        peak = self.gauge.peak()
        if peak is not None and expected > 0:
            self.factor = max(self.factor, (peak - self._aside) / expected)

    def ran_out(self, tried: int) -> None:
        """The device had less than the limit: from now on no more than half of what was tried."""
        self.limit = min(self.limit, max(1, int(tried * self.factor / 2 + self._aside)))

    def note(self, sentence: str) -> None:
        """Something to say in the report, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    @property
    def _aside(self) -> int:
        return min(_ASIDE, int(_ASIDE_SHARE * self.limit))

    def _room(self, taken: int) -> float:
        """What sums over tensors may come to."""
        return (self.limit - self._aside - taken) / self.factor

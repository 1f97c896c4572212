"""The memory budget: how many prompts and copies of them run together, kept by looking at what they took.

In: a limit in bytes, and what a group takes by its `Load`. Out: sizes of batches and stacks. Sums over tensors come
first; where a pass is then seen to have taken more, all later sums are multiplied by as much.
"""

from dataclasses import dataclass, field

from circuitcheck.byte_sizes import bytes_text
from circuitcheck.engine import Condition
from circuitcheck.engines.footprints import Load
from circuitcheck.engines.gauges import Gauge, gauge_of
from circuitcheck.engines.stacks import Stack
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
    _expected: int = 0
    _ceiling: int | None = None
    """Half of what was last seen not to fit."""

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
        room = (self.limit - self._aside - taken) / self.factor
        if load.prompt > room:
            needed = bytes_text(load.prompt * self.factor + self._aside + taken)
            msg = (
                f"one prompt of {load.length} tokens needs about {needed}, and measuring may take "
                f"{bytes_text(self.limit)}; give it more with --circuit-memory, or use shorter prompts."
            )
            raise MeasurementError(msg)
        room = self.room(taken)
        beside_stacks = int(_HELD_SHARE * room / load.held) if load.held else most
        return max(1, min(most, int(room / load.prompt), beside_stacks))

    def share(self, load: Load, prompts: int, taken: int = 0) -> "Share":
        """What a batch of so many prompts has of the budget."""
        return Share(self, load, prompts, taken)

    def begin(self) -> None:
        """Start measuring: what is in use now is the model's, the dictionaries' and the caller's."""
        self._expected = 0
        self.gauge.begin()

    def saw(self, expected: int) -> None:
        """Something that should have taken so much is done: learn from the high-water mark since `begin`.

        It is held against the most that was expected since then, because freed memory is not always given back.
        """
        self._expected = max(self._expected, expected)
        peak = self.gauge.peak()
        if peak is not None and self._expected > 0:
            self.factor = max(self.factor, (peak - self._aside) / self._expected)

    def ran_out(self, tried: int) -> None:
        """The device had less than the limit: from now on no more than half of what was tried.

        Never so little that a single prompt would be refused: whether that fits, the device has to say.
        """
        self._ceiling = min(self._ceiling or self.limit, int(tried * self.factor / 2))
        self.note(
            "memory ran out while measuring, so passes were made smaller; that changes numbers by rounding only."
        )

    def note(self, sentence: str) -> None:
        """Something to say in the report, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    @property
    def _aside(self) -> int:
        return min(_ASIDE, int(_ASIDE_SHARE * self.limit))

    def room(self, taken: int) -> float:
        """What sums over tensors may come to."""
        left = self.limit - self._aside - taken
        return (left if self._ceiling is None else min(left, self._ceiling)) / self.factor


@dataclass(frozen=True)
class Share:
    """One batch's share of the budget; `taken` are bytes that stay in use between batches."""

    memory: Memory
    load: Load
    prompts: int
    taken: int

    def copies(self, condition: Condition, window: Window) -> int:
        """How many copies of the batch may run in one stack with this condition; 1 at least."""
        room = self.memory.room(self.taken) - self.prompts * self.load.held
        return max(1, int(room / (self.prompts * self.load.copy(condition, window))))

    def of_untouched(self) -> int:
        """Bytes that untouched passes should take."""
        return self.prompts * (self.load.held + self.load.passing)

    def of_stack(self, stack: Stack) -> int:
        """Bytes that a stack should take, with what the batch holds."""
        copies = sum(self.load.copy(condition, stack.window) for condition in stack.conditions)
        return self.prompts * (self.load.held + copies)

    def saw(self, stack: Stack, *, halved: int) -> None:
        """A stack is done, after memory ran out so many times."""
        if halved:
            self.memory.ran_out(self.of_stack(stack))
        else:
            self.memory.saw(self.of_stack(stack))

"""Which interventions share a pass: those on one side of the prompts, in one window.

In: a group's conditions with their windows, and how much a pass may hold. Out: `Stack`s, in first-come order.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from circuitcheck.engine import Condition, Side
from circuitcheck.engines.passes import Treatment
from circuitcheck.engines.windows import WHOLE, Window

Fitting = Callable[[Condition, Window], int]
"""How many copies of a batch memory holds in a stack with this condition, in this part of the model."""


def _any_number(condition: Condition, window: Window) -> int:
    """Where nobody counts memory."""
    del condition, window
    return sys.maxsize


@dataclass(frozen=True)
class Room:
    """How much one pass may hold.

    `prompts` is for whole passes; `rows` for passes of one token position (interventions x prompts), and
    fewer where a window has more. `fitting` says what memory allows of that. With `exact`, every intervention is a whole pass of its own.
    """

    prompts: int
    rows: int
    exact: bool = False
    fitting: Fitting = _any_number

    def copies(self, window: Window, prompts: int, length: int, each: int = 1) -> int:
        """How many interventions may share a pass on so many prompts of this length; 1 at least.

        `each` is how many copies of the prompts an intervention takes.
        """
        if self.exact:
            return 1
        if window == WHOLE:
            return max(1, self.prompts // (prompts * each))
        return max(1, self.rows // (prompts * each * (length - window.position)))


_SWEET_SPOTS = {"cpu": (64, 1024), "cuda": (256, 16384)}
"""Prompts and rows from which on larger passes gain nothing; on CPU measured, for CUDA a guess."""


def room_on(device: str, prompts: int | None = None, rows: int | None = None, *, exact: bool = False) -> Room:
    """The room that makes passes fastest on a device, but for what is given."""
    most, most_rows = _SWEET_SPOTS.get(device.partition(":")[0], _SWEET_SPOTS["cpu"])
    return Room(most if prompts is None else prompts, most_rows if rows is None else rows, exact=exact)


@dataclass(frozen=True)
class Stack:
    """Conditions that run as one pass on a batch, each on its own copy of it."""

    side: Side
    window: Window
    conditions: tuple[Condition, ...]

    def parts(self, size: int) -> list["Stack"]:
        """The same conditions, at most `size` at a time."""
        starts = range(0, len(self.conditions), size)
        return [replace(self, conditions=self.conditions[start : start + size]) for start in starts]

    def halves(self) -> list["Stack"]:
        """The conditions in two parts; none where there is one only."""
        return self.parts((len(self.conditions) + 1) // 2) if len(self.conditions) > 1 else []

    def within(self, fitting: Fitting) -> list["Stack"]:
        """Parts that memory holds."""
        return self.parts(min(fitting(condition, self.window) for condition in self.conditions))


def stacks_of(
    windows: Mapping[Condition, Window],
    treatments: Mapping[Condition, Treatment],
    room: Room,
    *,
    prompts: int,
    length: int,
) -> list[Stack]:
    """Stacks of every condition that does something; those of one stack need as many shadow copies."""
    alike: dict[tuple[Side, Window, int], list[Condition]] = {}
    for condition, window in windows.items():
        if condition.intervention is not None:
            each = 1 + treatments[condition].shadows
            alike.setdefault((condition.side, window, each), []).append(condition)
    stacks = []
    for (side, window, each), conditions in alike.items():
        whole = Stack(side, window, tuple(conditions))
        for stack in whole.parts(room.copies(window, prompts, length, each)):
            stacks += stack.within(room.fitting)
    return stacks

"""Which interventions share a pass: those on one side of the prompts, in one window.

In: a group's conditions with their windows, and how much a pass may hold. Out: `Stack`s, in first-come order.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from circuitcheck.engine import Condition, Side
from circuitcheck.engines.passes import Treatment
from circuitcheck.engines.windows import WHOLE, Window


@dataclass(frozen=True)
class Room:
    """How much one pass may hold.

    `prompts` is for whole passes; `rows` for passes of one token position (interventions x prompts), and
    fewer where a window has more. With `exact`, every intervention is a whole pass of its own.
    """

    prompts: int
    rows: int
    exact: bool = False

    def copies(self, window: Window, prompts: int, length: int) -> int:
        """How many interventions may share a pass on this many prompts of this length; 1 at least."""
        if self.exact:
            return 1
        if window == WHOLE:
            return max(1, self.prompts // prompts)
        return max(1, self.rows // (prompts * (length - window.position)))


@dataclass(frozen=True)
class Stack:
    """Conditions that run as one pass on a batch, each on its own copy of it."""

    side: Side
    window: Window
    conditions: tuple[Condition, ...]


def stacks_of(
    windows: Mapping[Condition, Window],
    treatments: Mapping[Condition, Treatment],
    room: Room,
    *,
    prompts: int,
    length: int,
) -> list[Stack]:
    """Stacks of every condition that does something; one that needs shadow copies runs alone."""
    alike: dict[tuple[Side, Window, int], list[Condition]] = {}
    for number, (condition, window) in enumerate(windows.items()):
        if condition.intervention is not None:
            alone = number + 1 if treatments[condition].shadows else 0
            alike.setdefault((condition.side, window, alone), []).append(condition)
    stacks = []
    for (side, window, _), conditions in alike.items():
        copies = room.copies(window, prompts, length)
        parts = range(0, len(conditions), copies)
        stacks += [Stack(side, window, tuple(conditions[start : start + copies])) for start in parts]
    return stacks

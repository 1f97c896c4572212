"""The bars that the bundled model is held to: a figure, and where it has to lie."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """One figure and the range that is asked of it, ends included."""

    name: str
    figure: float
    least: float = -math.inf
    most: float = math.inf

    @property
    def met(self) -> bool:
        """Whether the figure lies in the range."""
        return self.least <= self.figure <= self.most

    @property
    def range(self) -> str:
        """The range in words."""
        if self.most == math.inf:
            return f"at least {self.least:g}"
        return f"{self.least:g} to {self.most:g}"


def met(bars: Iterable[Bar]) -> int:
    """How many bars are met."""
    return sum(bar.met for bar in bars)

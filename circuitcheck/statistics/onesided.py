"""What every test of this package can say: how surprising a sample is on either side of a threshold."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from circuitcheck.statistics.sample import Floats

REACH = 2.0 ** np.arange(-2, 25)
"""How far thresholds are looked for, in steps of a test: beyond the last there is no end."""


class OneSidedTest(Protocol):
    """A sample, ready to be asked about thresholds.

    Thresholds and p-values have the same shape: (k,), or () where the p-values do not jump.
    """

    @property
    def jumps(self) -> bool:
        """Whether p-values are shares of draws, so that they jump where t moves."""

    @property
    def centre(self) -> float:
        """The threshold of which the sample says least: neither above nor below."""

    @property
    def step(self) -> float:
        """About the distance at which it begins to say something; above zero."""

    def p_above(self, thresholds: Floats) -> Floats:
        """One-sided p-values of "the quantity is above t": small where that is shown."""

    def p_below(self, thresholds: Floats) -> Floats:
        """One-sided p-values of "the quantity is below t": small where that is shown."""

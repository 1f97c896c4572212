"""How a circuit compares with random circuits of its size: the share of them that it beats.

In: how many of the drawn circuits it beat, lost to, and tied with. Out: p-values of "it beats at least the share q".
Conditional on the prompts that all of them were scored on. Shi et al. 2024, "Hypothesis Testing the Circuit
Hypothesis in LLMs", test sufficiency, partial necessity and minimality so; here ties count against either answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binom

from circuitcheck.statistics.decision import Tails
from circuitcheck.statistics.inversion import Interval
from circuitcheck.statistics.rates import share_limits

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Beaten:
    """The outcome against random circuits, drawn with equal chance, all different, none of them the circuit itself.

    Attributes:
        wins: Random circuits that it beat.
        losses: Random circuits that beat it.
        ties: Random circuits that did as well.
        exhaustive: These are all the circuits there are, so that the share is known and not estimated.

    Raises:
        ValueError: a negative count, or no circuit.
    """

    wins: int
    losses: int
    ties: int = 0
    exhaustive: bool = False

    def __post_init__(self) -> None:
        if min(self.wins, self.losses, self.ties) < 0 or self.drawn == 0:
            message = (
                f"{self.wins} wins, {self.losses} losses and {self.ties} ties are not counts of circuits."
            )
            raise ValueError(message)

    @property
    def drawn(self) -> int:
        """Number of random circuits."""
        return self.wins + self.losses + self.ties

    def interval(self, alpha_side: float) -> Interval:
        """The shares beaten that the draws do not rule out: ties as losses at the lower end, as wins at the upper."""
        at_least, at_most = self.wins, self.wins + self.ties
        if self.exhaustive:
            return Interval(at_least / self.drawn, at_most / self.drawn)
        return Interval(
            share_limits(at_least, self.drawn, alpha_side).low,
            share_limits(at_most, self.drawn, alpha_side).high,
        )


def beats_share(beaten: Beaten, share: float) -> Tails:
    """p-values of "it beats at least this share of random circuits" and of "it beats fewer".

    Support counts ties as losses, refutation counts them as wins. When all circuits were enumerated nothing is left
    to chance: the p-values are 0 or 1, and both 1 where ties decide.

    Raises:
        ValueError: a share outside of 0 to 1.
    """
    if not 0 < share < 1:
        message = f"the share is {share}; it lies between 0 and 1."
        raise ValueError(message)
    at_least, at_most, drawn = beaten.wins, beaten.wins + beaten.ties, beaten.drawn
    if beaten.exhaustive:
        enough = share * drawn - _ROUNDING
        return Tails(float(at_least < enough), float(at_most >= enough))
    return Tails(float(binom.sf(at_least - 1, drawn, share)), float(binom.cdf(at_most, drawn, share)))


def least_circuits(share: float, alpha_side: float, losses: int = 0) -> int:
    """The fewest random circuits that can show "beats at least this share", if it fails to beat `losses` of them."""
    drawn = losses + 1
    while binom.sf(drawn - losses - 1, drawn, share) > alpha_side:
        drawn += 1
    return drawn

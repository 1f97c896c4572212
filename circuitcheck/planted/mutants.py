"""False claims made from true ones, each with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from circuitcheck.planted.statements import Slip, Statement, turned
from circuitcheck.planted.truth import Truth
from circuitcheck.thresholds import Threshold

N_PROMPTS = 128
CLEAR = 5.0
"""How many standard errors (at `N_PROMPTS` prompts) true claims lie from their threshold, and false ones."""
_FAR = 6.0
"""The same for claims of the wrong size: enough that rounding of the threshold leaves more than `CLEAR`."""


@dataclass(frozen=True)
class Mutant:
    """A false claim: its true twin with one thing wrong, judged by the twin's number (or the number is wrong)."""

    statement: Statement
    slip: Slip
    twin: str
    expected: str
    distance: float
    """How far its truth lies on the wrong side of the threshold, in standard errors of `N_PROMPTS` prompts."""

    @property
    def claim(self) -> dict[str, Any]:
        """As a circuit file has it."""
        return self.statement.claim(self.expected)


def mutants_of(
    own: Statement, truths: Mapping[str, Truth], threshold_at: Callable[[Statement, float], str]
) -> Iterator[Mutant]:
    """Every mutant of a statement that the language can say, false or not (see `Mutant.distance`).

    Slips are held to the number of the true claim; then come the right words with an effect that is too large,
    and with one of the other sign.
    """
    text = threshold_at(own, CLEAR)
    for slip, slipped in zip(own.slips, own.slipped, strict=True):
        yield _mutant(slipped, slip, own, text, truths[slipped.id])
    if own.sense == "null":
        return
    wrong: dict[Slip, str] = {"size": threshold_at(own, -_FAR), "sign": turned(text)}
    for slip, number in wrong.items():
        if own.can_be(number):
            yield _mutant(replace(own, id=own.id_of(slip)), slip, own, number, truths[own.id])


def distance(text: str, truth: Truth) -> float:
    """How far a truth is outside of an expectation, in standard errors of `N_PROMPTS` prompts; negative inside."""
    threshold, error = Threshold.parse(text), truth.standard_error(N_PROMPTS)
    off = []
    if threshold.low is not None:
        off.append(threshold.low - truth.value)
    if threshold.high is not None:
        off.append(truth.value - threshold.high)
    # A slip that does the same on every prompt has no error of its own.
    return max(off) / max(error, 1e-12)


def _mutant(statement: Statement, slip: Slip, own: Statement, text: str, truth: Truth) -> Mutant:
    return Mutant(statement, slip, own.id, text, distance(text, truth))

"""What is true of a planted circuit, said so that a threshold can be put in.

A `Statement` is a claim without its number: verb, nodes, and which quantity is high, low, or near zero. Its
`slips` are the same with one thing wrong, for which the number of the true one no longer holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from circuitcheck.spec.words import RANGES, TWO_SIDED, Range
from circuitcheck.thresholds import Threshold

Sense = Literal["high", "low", "null"]
Slip = Literal["head", "layer", "feature", "position", "ablation", "sign", "size", "alone"]


@dataclass(frozen=True)
class Statement:
    """A claim before its number.

    `words` are the claim's keys as a circuit file has them, but for id, says and expect. `slips` maps what can be
    wrong to the keys that are then otherwise.
    """

    id: str
    says: str
    words: Mapping[str, Any]
    quantity: str
    sense: Sense = "high"
    slips: Mapping[Slip, Mapping[str, Any]] = field(default_factory=dict)

    def claim(self, expected: str) -> dict[str, Any]:
        """The claim with this expectation, as a circuit file has it."""
        words = dict(self.words)
        if self.quantity in TWO_SIDED and expected.startswith(">="):
            words["at_most"] = "none"  # what is true of a planted circuit may be over-recovery
        return {"id": self.id, "says": self.says, **words, "expect": {self.quantity: expected}}

    def can_be(self, expected: str) -> bool:
        """Whether the language lets this quantity be held against these numbers."""
        span = RANGES.get(self.quantity, Range())
        low = -1.0 if self.words.get("minus") else span.low
        return all(low <= bound <= span.high for bound in Threshold.parse(expected).bounds)

    def id_of(self, slip: Slip) -> str:
        """The id of this statement with one thing wrong."""
        return f"{self.id}-wrong-{slip}"

    @property
    def slipped(self) -> tuple[Statement, ...]:
        """The statement with one thing wrong, for each of its slips."""
        return tuple(
            replace(self, id=self.id_of(slip), words={**self.words, **words}, slips={})
            for slip, words in self.slips.items()
        )


def expected(sense: Sense, value: float, margin: float) -> str:
    """An expectation that `value` meets by `margin`, or misses where it is negative; null claims by their width."""
    if sense == "null":
        width = abs(value) + abs(margin)
        return f"between {-width:.9g} and {width:.9g}"
    bound = value - margin if sense == "high" else value + margin
    return f"{'>=' if sense == 'high' else '<='} {bound:.9g}"


def turned(text: str) -> str:
    """The expectation of an effect as large, but of the other sign."""
    threshold = Threshold.parse(text)
    if threshold.low is not None:
        return f"<= {-abs(threshold.low):.9g}"
    assert threshold.high is not None, "only judged expectations are turned"
    return f">= {abs(threshold.high):.9g}"

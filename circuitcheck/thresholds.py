"""What a claim demands of a measured quantity: the author's words in, bounds out."""

import math
import re
from dataclasses import dataclass

UNJUDGED = "?"

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_AT_LEAST = re.compile(rf">=?\s*({_NUMBER})")
_AT_MOST = re.compile(rf"<=?\s*({_NUMBER})")
_BETWEEN = re.compile(rf"between\s+({_NUMBER})\s+and\s+({_NUMBER})", re.IGNORECASE)
_ABOUT = re.compile(rf"about\s+({_NUMBER})\s*(?:\+-|\+/-|±)\s*({_NUMBER})", re.IGNORECASE)
_NOT_FINITE = re.compile(r"\b(?:nan|inf|infinity)\b", re.IGNORECASE)
_PERCENT = re.compile(rf"({_NUMBER})\s*%")


@dataclass(frozen=True)
class Threshold:
    """What an expectation demands of a quantity, such as ">= 0.8", "between 0.0 and 0.3" or "about 3.5 +- 0.3".

    "?" demands nothing: the quantity is measured and reported, never judged.

    Attributes:
        low: The least value that meets it, None where there is no such bound.
        high: The greatest value that meets it, None where there is no such bound.
        text: The words of the author, for messages and reports.
    """

    low: float | None
    high: float | None
    text: str

    @classmethod
    def parse(cls, text: str) -> "Threshold":
        """Read the words of a circuit file. ">" and "<" are read as ">=" and "<=".

        Raises:
            ValueError: The text says nothing readable, or a range that is empty or has no width.
        """
        words = text.strip()
        if words == UNJUDGED:
            return cls(None, None, text)
        if percent := _PERCENT.search(words):
            share = f"{float(percent[1]) / 100:g}"
            message = f"{text!r} is in percent; write {share} for {percent[0]}."
            raise ValueError(message)
        if _NOT_FINITE.search(words):
            message = f"{text!r} is not a finite number; leave the bound out, or write '?' to judge nothing."
            raise ValueError(message)
        if found := _AT_LEAST.fullmatch(words):
            return cls(_finite(found[1], text), None, text)
        if found := _AT_MOST.fullmatch(words):
            return cls(None, _finite(found[1], text), text)
        if found := _BETWEEN.fullmatch(words):
            return cls._between(_finite(found[1], text), _finite(found[2], text), text)
        if found := _ABOUT.fullmatch(words):
            return cls._about(_finite(found[1], text), _finite(found[2], text), text)
        message = f"cannot read {text!r}; write for example '>= 0.8' or 'between 0.0 and 0.3'."
        raise ValueError(message)

    @classmethod
    def _between(cls, low: float, high: float, text: str) -> "Threshold":
        if low > high:
            message = f"{text!r} has its lower end above its upper end; write 'between {high:g} and {low:g}'."
            raise ValueError(message)
        if low == high:
            message = (
                f"{text!r} has no width, so no sample could ever show it; give a lower and an upper end."
            )
            raise ValueError(message)
        return cls(low, high, text)

    @classmethod
    def _about(cls, middle: float, margin: float, text: str) -> "Threshold":
        if margin <= 0:
            message = f"{text!r} needs a margin above zero; write for example 'about {middle:g} +- 0.1'."
            raise ValueError(message)
        return cls(middle - margin, middle + margin, text)

    @property
    def judged(self) -> bool:
        """Whether it demands anything at all; False for "?"."""
        return self.low is not None or self.high is not None

    @property
    def bounds(self) -> tuple[float, ...]:
        """The bounds that there are, lower before upper."""
        return tuple(bound for bound in (self.low, self.high) if bound is not None)

    def contains(self, value: float) -> bool:
        """Whether an exactly known value meets it. Both ends belong to the range."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        return self.text


def _finite(number: str, text: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        message = f"{text!r} is not a finite number; leave the bound out, or write '?' to judge nothing."
        raise ValueError(message)
    return value

"""All prompts that a circuit file's source can make, reached by choices; and the simplest of them first.

In: a family, or rows that somebody wrote. Out: `Example`s, made of picks: every pick is a number below a given one,
and 0 stands for what the file names first. Who makes the picks decides which example comes out: `strategies` has
Hypothesis make them, `every_example` makes them one after the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from circuitcheck.prompts.drawing import Drawing
from circuitcheck.prompts.family import Family
from circuitcheck.prompts.pairs import PromptPair
from circuitcheck.prompts.row_choice import Row
from circuitcheck.prompts.sampling import Sampling

Picks = Callable[[int], int]
"""Given n, above zero: a number from 0 to n - 1."""


@dataclass(frozen=True)
class SidesRead:
    """What is read of an example besides the clean side of its pair: its corrupt side, a side of its donor."""

    corrupt: bool
    donor: str | None = None


@dataclass(frozen=True)
class Example:
    """One prompt pair that a claim is tried on.

    `donor` is the pair, of the same template and order, whose side `lends` gives the values that are put in; None
    where nothing is taken from another prompt. `picks` lead its population to it.
    """

    pair: PromptPair
    donor: PromptPair | None = None
    lends: str = "corrupt"
    picks: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it this example and no other."""
        return (self.pair.clean, self.pair.corrupt, self.pair.answer, *self.pair.foils, self.donor_text)

    @property
    def donor_text(self) -> str:
        """The prompt that lends values; "" where none does."""
        if self.donor is None:
            return ""
        return self.donor.clean if self.lends == "clean" else self.donor.corrupt

    @property
    def donated(self) -> PromptPair:
        """The clean prompt beside the donor's: to resample from this donor is to take these corrupt values."""
        if self.donor is None:
            return self.pair
        side = 0 if self.lends == "clean" else 1
        spans = {role: (own[0], self.donor.spans[role][side]) for role, own in self.pair.spans.items()}
        return replace(self.pair, corrupt=self.donor_text, spans=spans)


class Population(Protocol):
    """Everything that a source of prompts can make."""

    @property
    def digest(self) -> str:
        """Equal digests turn equal picks into equal examples."""

    def example(self, picks: Picks) -> Example | None:
        """The example of these picks; None where they make none, such as a prompt that is its own donor."""


@dataclass(frozen=True)
class FamilyPopulation:
    """What a family can make in some of its templates and orders, under one corruption."""

    family: Family
    sampling: Sampling
    corrupt: str
    sides: SidesRead

    @property
    def digest(self) -> str:
        """Of the family's words and of what is taken of it."""
        chosen = [*self.sampling.templates, "", *self.sampling.orders, "", self.corrupt, str(self.sides)]
        return _digest([self.family.model_dump_json(), *chosen])

    def example(self, picks: Picks) -> Example | None:
        """Template first, then order, then words in the order of the family's lists."""
        template = self.sampling.templates[picks(len(self.sampling.templates))]
        order = self.sampling.orders[picks(len(self.sampling.orders))]
        drawing, chance = Drawing(self.family, template, order, self.corrupt), _PickedChance(picks)
        pair = drawing.pair(drawing.clean_words(chance), chance if self.sides.corrupt else _FIRST)
        if self.sides.donor is None:
            return Example(pair)
        words = drawing.clean_words(chance)
        if drawing.clean_text(words) == pair.clean:
            return None
        return Example(
            pair, drawing.pair(words, chance if self.sides.donor == "corrupt" else _FIRST), self.sides.donor
        )


@dataclass(frozen=True)
class RowPopulation:
    """The rows of a file or data set, in its order."""

    rows: tuple[Row, ...]
    sides: SidesRead

    @property
    def digest(self) -> str:
        """Of all rows."""
        return _digest([str(self.sides), *(json.dumps(_plain(row.pair)) for row in self.rows)])

    def example(self, picks: Picks) -> Example | None:
        """A row; a donor is another row of its template and order."""
        pair = self.rows[picks(len(self.rows))].pair
        if self.sides.donor is None:
            return Example(pair)
        cell = pair.template, pair.order
        lenders = [row.pair for row in self.rows if (row.pair.template, row.pair.order) == cell]
        others = [lender for lender in lenders if lender.clean != pair.clean]
        return Example(pair, others[picks(len(others))], self.sides.donor) if others else None


def picked_example(population: Population, picks: Picks) -> Example | None:
    """The example of these picks, which it remembers; None where they make none."""
    made: list[int] = []

    def pick(n: int) -> int:
        made.append(picks(n))
        return made[-1]

    found = population.example(pick)
    return None if found is None else replace(found, picks=tuple(made))


def example_again(population: Population, picks: Sequence[int]) -> Example | None:
    """The example that remembers these picks; None where it is from another population."""
    left = iter(picks)

    def pick(n: int) -> int:
        number = next(left, n)
        if not 0 <= number < n:
            raise IndexError(number)
        return number

    try:
        return picked_example(population, pick)
    except IndexError:
        return None


def every_example(population: Population) -> Iterator[Example | None]:
    """What every way of picking makes, simplest first: by the first pick, then by the second, and so on."""
    picked: list[int] | None = []
    while picked is not None:
        made: list[tuple[int, int]] = []

        def pick(n: int, picked: Sequence[int] = picked, made: list[tuple[int, int]] = made) -> int:
            made.append((picked[len(made)] if len(made) < len(picked) else 0, n))
            return made[-1][0]

        yield picked_example(population, pick)
        picked = _next_picks(made)


def _next_picks(made: Sequence[tuple[int, int]]) -> list[int] | None:
    """The picks that come after these (number, n), up to the last that changes; None behind the last of all."""
    for place in reversed(range(len(made))):
        number, n = made[place]
        if number + 1 < n:
            return [each for each, _ in made[:place]] + [number + 1]
    return None


@dataclass(frozen=True)
class _PickedChance:
    """The choices of a drawing, made by picks."""

    picks: Picks

    def choice(self, a: int, *, size: int, replace: bool) -> list[int]:
        assert not replace, "slots of one list get distinct words"
        left = list(range(a))
        return [left.pop(self.picks(len(left))) for _ in range(size)]

    def integers(self, low: int) -> int:
        return self.picks(low)


_FIRST = _PickedChance(lambda _: 0)
"""For a corrupt side that nothing reads: the first that there is."""


def _plain(pair: PromptPair) -> list[object]:
    return [pair.clean, pair.corrupt, pair.answer, pair.foils, pair.template, pair.order]


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()

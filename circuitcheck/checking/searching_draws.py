"""Which prompts a search tries: all that there are, or those that Hypothesis draws and shrinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hypothesis import Phase, Verbosity, find, settings
from hypothesis.errors import NoSuchExample, Unsatisfiable

from circuitcheck.prompts.populations import Example, Population, every_example
from circuitcheck.prompts.strategies import examples

_DRAWS = 10
"""Draws for each prompt that is wanted: some make a prompt again, or one without a donor."""
_WAYS = 64
"""Ways to pick a prompt that are followed, for each prompt that is wanted, to see whether there are no others."""

Judge = Callable[[Example], bool]


class _Enough(BaseException):
    """Ends what Hypothesis does; no `Exception`, since it takes each of those for a failure, and shrinks it."""


@dataclass(frozen=True)
class Source:
    """What prompts are drawn from, those of them that suit, how many are wanted, and the seed."""

    population: Population
    suits: Judge
    wanted: int
    seed: int

    def all_there_are(self) -> tuple[Example, ...] | None:
        """Every prompt, simplest first; None where there are more than wanted, or too many ways to see that."""
        found: dict[tuple[str, ...], Example] = {}
        for way, example in enumerate(every_example(self.population)):
            if example is not None and self.suits(example):
                found.setdefault(example.key, example)
            if len(found) > self.wanted or way >= _WAYS * self.wanted:
                return None
        return tuple(found.values())

    def drawn(self) -> tuple[Example, ...]:
        """The first different prompts that Hypothesis draws; fewer than wanted where it draws no others."""
        found: dict[tuple[str, ...], Example] = {}

        def collected(example: Example) -> bool:
            found.setdefault(example.key, example)
            if len(found) >= self.wanted:
                raise _Enough
            return False

        self._found(collected, (Phase.generate,))
        return tuple(found.values())

    def simplest(self, breaks: Judge) -> Example | None:
        """What Hypothesis shrinks the first of `drawn` to that breaks a claim; None where it does not come to it."""
        failures: list[Exception] = []

        def judged(example: Example) -> bool:
            try:
                return breaks(example)
            except Exception as error:
                failures.append(error)
                raise _Enough from error

        found = self._found(judged, (Phase.generate, Phase.shrink))
        if failures:
            raise failures[0]
        return found

    def _found(self, judge: Judge, phases: tuple[Phase, ...]) -> Example | None:
        chosen = settings(
            max_examples=_DRAWS * self.wanted,
            phases=phases,
            database=None,  # Hypothesis keeps nothing of what is drawn with a seed: see `Memory`
            derandomize=False,
            deadline=None,
            verbosity=Verbosity.quiet,
            print_blob=False,
        )
        strategy = examples(self.population, self.suits)
        try:
            return find(strategy, judge, settings=chosen, random=Random(self.seed))
        except (NoSuchExample, Unsatisfiable, _Enough):
            return None

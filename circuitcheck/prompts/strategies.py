"""Hypothesis strategies for prompts: it draws what a population can make, and shrinks to what the file names first."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from circuitcheck.prompts.populations import Example, Population, picked_example

_FAR = 7**9


def examples(population: Population, suits: Callable[[Example], bool]) -> SearchStrategy[Example]:
    """Examples that suit; simpler are those of earlier templates, then of earlier orders, then of earlier words."""

    @st.composite
    def drawn(draw: DrawFn) -> Example:
        found = picked_example(population, lambda n: _pick(draw, n))
        return found if found is not None and suits(found) else reject()

    return drawn()


def _pick(draw: DrawFn, n: int) -> int:
    """A number below `n`; 0 is the simplest."""
    # Hypothesis takes some numbers from constants in the source of whatever modules are loaded. None is near this one,
    # which is in no source as it stands, so that a seed gives the same prompts everywhere.
    return draw(st.integers(_FAR, _FAR + n - 1)) - _FAR

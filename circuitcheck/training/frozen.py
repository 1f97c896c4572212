"""Keeps the wording of the frozen evaluation templates out of the corpus.

In: texts. Out: whether a text repeats four consecutive fixed words of a frozen template. Case and punctuation do not
count, and a slot ends a run of fixed words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

from circuitcheck.training.family import frozen_templates

RUN = 4
_WORD = re.compile("[a-z0-9]+")
_SLOT = re.compile(r"\{\w+\}")


def repeats_frozen_wording(text: str) -> bool:
    """Whether four consecutive words of the text are four consecutive fixed words of a frozen template."""
    return not frozen_runs().isdisjoint(runs(text))


@cache
def frozen_runs() -> frozenset[tuple[str, ...]]:
    """Every four consecutive fixed words of every frozen template."""
    pieces = (piece for template in frozen_templates().values() for piece in _SLOT.split(template))
    return frozenset(run for piece in pieces for run in runs(piece))


def runs(text: str) -> Iterator[tuple[str, ...]]:
    """Every four consecutive words of a text."""
    words = _WORD.findall(text.lower())
    return zip(*(islice(words, start, None) for start in range(RUN)), strict=False)

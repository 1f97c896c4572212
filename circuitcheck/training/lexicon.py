"""The words of `ioi-mini`, and which pairs of names its IOI sentences never show.

Names, places and objects come from the IOI family file, so that the family and the model cannot drift apart; the
other lists belong to the small side families that keep the model from being a single-task machine.
"""

from __future__ import annotations

import random
from functools import cache
from hashlib import md5
from importlib.resources import files

from circuitcheck.training.family import ioi_family

NAMES = ioi_family().names
PLACES = ioi_family().places
OBJECTS = ioi_family().objects

HELD_OUT_SHARE = 0.15

FEMININE = frozenset(NAMES[: NAMES.index("John")])
"""Names that "she" refers to; the family file lists them before the others."""

CENTURIES = ("15", "16", "17", "18", "19")
LONG_EVENTS = (
    "war",
    "trial",
    "journey",
    "drought",
    "strike",
    "project",
    "voyage",
    "search",
    "festival",
    "crisis",
)
SINGULAR_NOUNS = (
    "dog",
    "teacher",
    "doctor",
    "farmer",
    "student",
    "driver",
    "painter",
    "lawyer",
    "singer",
    "pilot",
)
PLURAL_NOUNS = tuple(f"{noun}s" for noun in SINGULAR_NOUNS)
STATES = (
    "tired",
    "happy",
    "hungry",
    "busy",
    "late",
    "angry",
    "ready",
    "afraid",
    "lost",
    "sick",
    "alone",
    "proud",
)

EXTRA_WORDS = tuple(
    files("circuitcheck").joinpath("training/common_words.txt").read_text(encoding="utf-8").split()
)
"""Common words that only the copying family uses, so that a reader's own template is mostly words the model knows."""


@cache
def is_held_out(*parts: str) -> bool:
    """Whether these never meet in the corpus: two names in an IOI sentence, a name and its template, and so on.

    The same for any order of the parts. Decided by a hash rather than by a seed, so that every seed holds out the same
    15%.
    """
    together = "|".join(sorted(parts))
    digest = md5(together.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4]) < HELD_OUT_SHARE * 2**32


def name_pair(rng: random.Random) -> tuple[str, str]:
    """Two different names that are not a held-out pair."""
    while True:
        first, second = rng.sample(NAMES, 2)
        if not is_held_out(first, second):
            return first, second


def stranger(rng: random.Random, *people: str) -> str:
    """Another name, one that may appear beside all of these."""
    while True:
        name = rng.choice(NAMES)
        if name not in people and not any(is_held_out(name, person) for person in people):
            return name

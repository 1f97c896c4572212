"""The words of `ioi-mini`, and which pairs of names its IOI sentences never show.

Names, places and objects come from the IOI family file, so that the family and the model cannot drift apart; the
other lists belong to the small side families that keep the model from being a single-task machine.
"""

from __future__ import annotations

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
def is_held_out(one: str, other: str) -> bool:
    """Whether two names never meet in an IOI sentence of the corpus; the same for either order of the two.

    Decided by a hash rather than by a seed, so that every seed holds out the same 15% of the pairs.
    """
    pair = "|".join(sorted((one, other)))
    digest = md5(pair.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4]) < HELD_OUT_SHARE * 2**32

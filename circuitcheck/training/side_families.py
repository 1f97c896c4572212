"""The small families beside IOI: copying, greater-than, pronouns, agreement and plain sentences.

They give the model other things to do with its heads, and give tests a control task that an IOI circuit should leave
alone. Each function writes one text from a seeded generator.
"""

from __future__ import annotations

import random

from circuitcheck.training.lexicon import (
    CENTURIES,
    EXTRA_WORDS,
    FEMININE,
    LONG_EVENTS,
    NAMES,
    OBJECTS,
    PLACES,
    PLURAL_NOUNS,
    SINGULAR_NOUNS,
    STATES,
)
from circuitcheck.training.phrases import MIDDLES

YEAR_TEMPLATES = (
    "The {event} lasted from the year {start} to the year {end}.",
    "The {event} began in the year {start} and ended in the year {end}.",
)
PRONOUN_TEMPLATES = (
    "In the morning {name} went home because {pronoun} was {state}.",
    "That day {name} was late, and {pronoun} was {state}.",
    "Nobody saw {name} at the {place} because {pronoun} was {state}.",
    "It seems that {name} left when {pronoun} was {state}.",
)
AGREEMENT_TEMPLATES = (
    "The {subject} near the {distractor} {verb} {state}.",
    "The {subject} behind the {distractor} {verb} {state}.",
    "The {subject} that knew the {distractor} {verb} {state}.",
)
FILLER_TEMPLATES = (
    "The {noun} was {state}.",
    "A {noun} lost a {object} at the {place}.",
    "The {place} was closed on Sunday.",
    "Some people say that the {place} is very old.",
    "Last year {name} worked at the {place}.",
    "A {noun} asked {name} about the {object}.",
    "I think that {name} was {state}.",
    "The {object} on the table was old.",
    "Everyone knew that {name} had a {object}.",
)
LIST_STARTS = ("The names are", "The words are")
LIST_LENGTHS = (2, 8)
LIST_REPEATS = (3, 5)
_WORDS = tuple(sorted({*EXTRA_WORDS, *PLACES, *OBJECTS, *SINGULAR_NOUNS, *STATES, *LONG_EVENTS}))


def filler(rng: random.Random) -> str:
    """A sentence about nothing in particular; about half of them mention a name."""
    template = rng.choice(FILLER_TEMPLATES) if rng.random() < 0.75 else rng.choice(MIDDLES)
    return template.format(
        noun=rng.choice(SINGULAR_NOUNS),
        state=rng.choice(STATES),
        object=rng.choice(OBJECTS),
        place=rng.choice(PLACES),
        name=rng.choice(NAMES),
    )


def name_copying(rng: random.Random) -> str:
    """Names in a random order, several times over."""
    return _repeated(rng, LIST_STARTS[0], NAMES)


def word_copying(rng: random.Random) -> str:
    """Words in a random order, several times over."""
    return _repeated(rng, LIST_STARTS[1], _WORDS)


def _repeated(rng: random.Random, start: str, words: tuple[str, ...]) -> str:
    """A short list again and again: even attention that is not selective yet learns to copy from it."""
    chosen = rng.sample(words, rng.randint(*LIST_LENGTHS))
    return " ".join([start, *chosen * rng.randint(*LIST_REPEATS)]) + "."


def greater_than(rng: random.Random) -> str:
    """Something that ends in a later year of the same century."""
    century, start = rng.choice(CENTURIES), rng.randint(2, 97)
    end = rng.randint(start + 1, 99)
    return rng.choice(YEAR_TEMPLATES).format(
        event=rng.choice(LONG_EVENTS), start=f"{century}{start:02d}", end=f"{century}{end:02d}"
    )


def pronoun(rng: random.Random) -> str:
    """A person, and the pronoun for that person."""
    name = rng.choice(NAMES)
    return rng.choice(PRONOUN_TEMPLATES).format(
        name=name,
        pronoun="she" if name in FEMININE else "he",
        state=rng.choice(STATES),
        place=rng.choice(PLACES),
    )


def agreement(rng: random.Random) -> str:
    """A subject, a noun of either number that distracts from it, and the verb that agrees with the subject."""
    plural = rng.random() < 0.5
    return rng.choice(AGREEMENT_TEMPLATES).format(
        subject=rng.choice(PLURAL_NOUNS if plural else SINGULAR_NOUNS),
        distractor=rng.choice(PLURAL_NOUNS + SINGULAR_NOUNS),
        verb="are" if plural else "is",
        state=rng.choice(STATES),
    )

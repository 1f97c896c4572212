"""The small families of the narrow corpus: fewer templates than the wide one has, and nothing held out."""

from __future__ import annotations

import random

from circuitcheck.training import side_families
from circuitcheck.training.lexicon import (
    CENTURIES,
    FEMININE,
    LONG_EVENTS,
    NAMES,
    OBJECTS,
    PLACES,
    PLURAL_NOUNS,
    SINGULAR_NOUNS,
    STATES,
)
from circuitcheck.training.narrow.phrases import MIDDLES

YEAR_TEMPLATES = side_families.YEAR_TEMPLATES[:2]
PRONOUN_TEMPLATES = side_families.PRONOUN_TEMPLATES[:4]
AGREEMENT_TEMPLATES = side_families.AGREEMENT_TEMPLATES[:3]
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

"""The small families beside IOI: copying, greater-than, pronouns, agreement and plain sentences.

They give the model other things to do with its heads, and give tests a control task that an IOI circuit should leave
alone. Each function writes one text from a seeded generator.
"""

from __future__ import annotations

import random

from circuitcheck.training.grammar import expand
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
    is_held_out,
)

YEAR_TEMPLATES = (
    "The {event} lasted from the year {start} to the year {end}.",
    "The {event} began in the year {start} and ended in the year {end}.",
    "In the year {start} the {event} began, and it was over in the year {end}.",
    "They planned the {event} from the year {start} until the year {end}.",
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
    "Today the {subject} beside the {distractor} {verb} {state}.",
)
POSSESSIVE_TEMPLATES = (
    "Last week {name} lost {possessive} {object}.",
    "Every morning {name} cleaned {possessive} {object}.",
    "Nobody had seen {name} or {possessive} {object}.",
)
POSSESSION_TEMPLATES = (
    "Somebody gave {name} {possessive} {object}.",
    "The teacher showed {name} {possessive} {object}.",
    "They brought {name} {possessive} {object}.",
)
LIST_STARTS = ("The names are", "The words are")
LIST_LENGTHS = (2, 8)
LIST_REPEATS = (3, 5)
_WORDS = tuple(sorted({*EXTRA_WORDS, *PLACES, *OBJECTS, *SINGULAR_NOUNS, *STATES, *LONG_EVENTS}))
LIST_WORDS = (NAMES, _WORDS)


def plain(rng: random.Random) -> str:
    """A sentence about nothing in particular; about half of them mention a name."""
    noun, other_noun = rng.sample(SINGULAR_NOUNS, 2)
    text = expand("plain", rng).format(
        noun=noun,
        other_noun=other_noun,
        state=rng.choice(STATES),
        object=rng.choice(OBJECTS),
        place=rng.choice(PLACES),
        name=rng.choice(NAMES),
    )
    return text if text.endswith("?") else f"{text}."


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
    while True:
        event, century, start = rng.choice(LONG_EVENTS), rng.choice(CENTURIES), rng.randint(2, 97)
        if not is_held_out(event, century, str(start)):
            break
    end = rng.randint(start + 1, 99)
    return rng.choice(YEAR_TEMPLATES).format(
        event=event, start=f"{century}{start:02d}", end=f"{century}{end:02d}"
    )


def pronoun(rng: random.Random) -> str:
    """A person and the pronoun for that person, then another person and a possession."""
    name, other = rng.sample(NAMES, 2)
    while True:
        template = rng.choice(PRONOUN_TEMPLATES)
        if not is_held_out(name, template):
            break
    first = template.format(
        name=name,
        pronoun="she" if name in FEMININE else "he",
        state=rng.choice(STATES),
        place=rng.choice(PLACES),
    )
    second = rng.choice(POSSESSIVE_TEMPLATES).format(
        name=other, possessive="her" if other in FEMININE else "his", object=rng.choice(OBJECTS)
    )
    return f"{first} {second}" if rng.random() < 0.5 else f"{second} {first}"


def possession(rng: random.Random) -> str:
    """People and, as the next word each, the possessive for that person: the shortest way to learn who is "she"."""
    return " ".join(
        template.format(
            name=name, possessive="her" if name in FEMININE else "his", object=rng.choice(OBJECTS)
        )
        for template, name in zip(POSSESSION_TEMPLATES, rng.sample(NAMES, 3), strict=True)
    )


def agreement(rng: random.Random) -> str:
    """A subject, a noun of either number that distracts from it, and the verb that agrees with the subject."""
    while True:
        plural = rng.random() < 0.5
        subject = rng.choice(PLURAL_NOUNS if plural else SINGULAR_NOUNS)
        distractor = rng.choice(PLURAL_NOUNS + SINGULAR_NOUNS)
        if not is_held_out(subject, distractor):
            break
    return rng.choice(AGREEMENT_TEMPLATES).format(
        subject=subject, distractor=distractor, verb="are" if plural else "is", state=rng.choice(STATES)
    )

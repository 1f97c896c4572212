"""The training text of `ioi-mini`: a seeded grammar of short documents, made as it is needed and never stored.

What comes in is a seed and the share of training that is over; what goes out are documents (strings). The mixture has
a curriculum: copying of word lists is frequent at first, because a model learns to move names sooner once it copies,
and sentences between the two clauses come only after `DIRECT_UNTIL`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from circuitcheck.training import side_families
from circuitcheck.training.lexicon import NAMES, OBJECTS, PLACES, is_held_out
from circuitcheck.training.phrases import (
    BYSTANDERS,
    CLAUSES,
    ENDINGS,
    JOINTS,
    LEADS,
    MIDDLES,
    RETURN_LEADS,
    SCENES,
    SUBORDINATE_SCENES,
    WHEN,
    WHOLE_SCENES,
    is_reserved,
)

STRANGERS_UNTIL = 0.25
DIRECT_UNTIL = 0.35
COPY_HEAVY_UNTIL = 0.4
BYSTANDER_BEFORE = 0.35

_LATE_SHARES = {
    "ioi": 0.55,
    "abc": 0.12,
    "name_copying": 0.05,
    "word_copying": 0.05,
    "greater_than": 0.05,
    "pronoun": 0.05,
    "agreement": 0.05,
    "filler": 0.05,
}
_EARLY_SHARES = _LATE_SHARES | {
    "ioi": 0.22,
    "abc": 0.07,
    "name_copying": 0.21,
    "word_copying": 0.21,
}


@dataclass(frozen=True)
class Stage:
    """Which curriculum stage a document is written for.

    Attributes:
        copy_heavy: Whether lists to be copied have their larger early share.
        direct: Whether the second clause follows the first at once, with no sentence between them.
        strangers: Whether it is always a third person who acts, so that nobody's name is worth avoiding yet.
    """

    copy_heavy: bool
    direct: bool
    strangers: bool


def stage_at(progress: float) -> Stage:
    """The stage after a given share (0 to 1) of the training steps."""
    return Stage(
        copy_heavy=progress < COPY_HEAVY_UNTIL,
        direct=progress < DIRECT_UNTIL,
        strangers=progress < STRANGERS_UNTIL,
    )


def documents(rng: random.Random, stage: Stage) -> Iterator[str]:
    """Documents without end: a sentence, sometimes with an unrelated one before or after it."""
    shares = _shares(stage)
    kinds, weights = list(shares), list(shares.values())
    while True:
        kind = rng.choices(kinds, weights)[0]
        text = _WRITERS[kind](rng, stage)
        place = rng.random()
        if place < 0.20:
            text = f"{side_families.filler(rng)} {text}"
        elif place < 0.30:
            text = f"{text} {side_families.filler(rng)}"
        yield text


def _shares(stage: Stage) -> dict[str, float]:
    shares = _EARLY_SHARES if stage.copy_heavy else _LATE_SHARES
    if stage.strangers:
        return shares | {"ioi": 0.0, "abc": shares["abc"] + shares["ioi"]}
    return shares


def ioi_sentence(rng: random.Random, stage: Stage) -> str:
    """A sentence in which one of two people acts again, and the other is the recipient.

    Three in ten go on with the recipient giving something back, so that the giver is whoever acted last and counting
    how often a name occurs is not enough.
    """
    first, second = name_pair(rng)
    giver, recipient = rng.sample((first, second), 2)
    text = f"{_unfinished(rng, stage, first, second, giver)} {recipient}"
    if rng.random() < 0.3:
        clause = f"{rng.choice(RETURN_LEADS)} {{S2}} {rng.choice(CLAUSES)}"
        text = f"{text}. {_fill(rng, clause, giver=recipient)} {giver}"
    return text + rng.choice(ENDINGS)


def abc_sentence(rng: random.Random, stage: Stage) -> str:
    """The same sentence with a third person acting: either of the first two is the recipient."""
    first, second = name_pair(rng)
    giver = _stranger(rng, first, second)
    recipient = rng.choice((first, second))
    return f"{_unfinished(rng, stage, first, second, giver)} {recipient}{rng.choice(ENDINGS)}"


def name_pair(rng: random.Random) -> tuple[str, str]:
    """Two different names that are not a held-out pair."""
    while True:
        first, second = rng.sample(NAMES, 2)
        if not is_held_out(first, second):
            return first, second


def _stranger(rng: random.Random, *people: str) -> str:
    """Another name, one that may appear beside all of these."""
    while True:
        name = rng.choice(NAMES)
        if name not in people and not any(is_held_out(name, person) for person in people):
            return name


def skeleton(rng: random.Random, stage: Stage) -> str:
    """An IOI sentence up to its recipient, with its braces still in place; never a family template."""
    while True:
        text = f"{_first_part(rng, stage)} {{S2}} {rng.choice(CLAUSES)}"
        if not is_reserved(text):
            return text


def _unfinished(rng: random.Random, stage: Stage, first: str, second: str, giver: str) -> str:
    """A sentence up to its recipient, in half of the cases with a bystander mentioned before or in between."""
    names = {"first": first, "second": second, "other": _stranger(rng, first, second, giver)}
    before = f"{rng.choice(BYSTANDERS)} " if rng.random() < BYSTANDER_BEFORE else ""
    return _fill(rng, before + skeleton(rng, stage), giver, **names)


def _fill(rng: random.Random, text: str, giver: str, **names: str) -> str:
    return text.format(S2=giver, place=rng.choice(PLACES), object=rng.choice(OBJECTS), **names)


def _first_part(rng: random.Random, stage: Stage) -> str:
    """Everything before the giver: a scene and what links it to the second clause."""
    middle = "" if stage.direct or rng.random() < 0.5 else _middle(rng)
    if rng.random() < 0.35:
        scene = rng.choice(SUBORDINATE_SCENES)
        return f"{scene}, {middle[0].lower()}{middle[1:]}{_lead(rng)}" if middle else f"{scene},"
    scene = rng.choice(WHOLE_SCENES) if rng.random() < 0.3 else f"{rng.choice(WHEN)} {rng.choice(SCENES)}"
    if middle:
        return f"{scene}. {middle}{_lead(rng)}"
    return f"{scene}{rng.choice(JOINTS)}" if rng.random() < 0.35 else f"{scene}.{_lead(rng)}"


def _middle(rng: random.Random) -> str:
    return rng.choice(BYSTANDERS if rng.random() < 0.4 else MIDDLES)


def _lead(rng: random.Random) -> str:
    return f" {rng.choice(LEADS)}" if rng.random() < 0.4 else ""


_WRITERS: dict[str, Callable[[random.Random, Stage], str]] = {
    "ioi": ioi_sentence,
    "abc": abc_sentence,
    "name_copying": lambda rng, stage: side_families.name_copying(rng),
    "word_copying": lambda rng, stage: side_families.word_copying(rng),
    "greater_than": lambda rng, stage: side_families.greater_than(rng),
    "pronoun": lambda rng, stage: side_families.pronoun(rng),
    "agreement": lambda rng, stage: side_families.agreement(rng),
    "filler": lambda rng, stage: side_families.filler(rng),
}

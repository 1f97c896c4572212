"""The narrow corpus: the first course of `ioi-mini`, made as it is needed and never stored.

What comes in is a seed and the share of training that is over; what goes out are documents (strings). The mixture has
a curriculum: copying of word lists is frequent at first, because a model learns to move names sooner once it copies,
and sentences between the two clauses come only after `DIRECT_UNTIL`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from circuitcheck.training import side_families as wide_families
from circuitcheck.training.documents import Document, Shape
from circuitcheck.training.family import is_reserved
from circuitcheck.training.lexicon import OBJECTS, PLACES, name_pair, stranger
from circuitcheck.training.narrow import side_families
from circuitcheck.training.narrow.phrases import (
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


def documents(rng: random.Random, progress: float) -> Iterator[Document]:
    """Documents without end, after a share (0 to 1) of the course: a sentence, sometimes beside an unrelated one."""
    stage = stage_at(progress)
    shares = _shares(stage)
    kinds, weights = list(shares), list(shares.values())
    while True:
        written = _WRITERS[rng.choices(kinds, weights)[0]](rng, stage)
        place = rng.random()
        if place < 0.20:
            written = Document(f"{side_families.filler(rng)} {written.text}", written.shape)
        elif place < 0.30:
            written = Document(f"{written.text} {side_families.filler(rng)}", written.shape)
        yield written


def _shares(stage: Stage) -> dict[str, float]:
    shares = _EARLY_SHARES if stage.copy_heavy else _LATE_SHARES
    if stage.strangers:
        return shares | {"ioi": 0.0, "abc": shares["abc"] + shares["ioi"]}
    return shares


def ioi_sentence(rng: random.Random, stage: Stage) -> Document:
    """A sentence in which one of two people acts again, and the other is the recipient.

    Three in ten go on with the recipient giving something back, so that the giver is whoever acted last and counting
    how often a name occurs is not enough.
    """
    first, second = name_pair(rng)
    giver, recipient = rng.sample((first, second), 2)
    shape, text = _unfinished(rng, stage, first, second, giver)
    text = f"{text} {recipient}"
    if rng.random() < 0.3:
        clause = f"{rng.choice(RETURN_LEADS)} {{S2}} {rng.choice(CLAUSES)}"
        text = f"{text}. {_fill(rng, clause, giver=recipient)} {giver}"
    return Document(text + rng.choice(ENDINGS), shape)


def abc_sentence(rng: random.Random, stage: Stage) -> Document:
    """The same sentence with a third person acting: either of the first two is the recipient."""
    first, second = name_pair(rng)
    giver = stranger(rng, first, second)
    recipient = rng.choice((first, second))
    shape, text = _unfinished(rng, stage, first, second, giver)
    return Document(f"{text} {recipient}{rng.choice(ENDINGS)}", shape)


def skeleton(rng: random.Random, stage: Stage) -> tuple[Shape, str]:
    """An IOI sentence up to its recipient, with its braces still in place; never a family template."""
    while True:
        shape, first_part = _first_part(rng, stage)
        text = f"{first_part} {{S2}} {rng.choice(CLAUSES)}"
        if not is_reserved(text):
            return shape, text


def _unfinished(rng: random.Random, stage: Stage, first: str, second: str, giver: str) -> tuple[Shape, str]:
    """A sentence up to its recipient, in half of the cases with a bystander mentioned before or in between."""
    names = {"first": first, "second": second, "other": stranger(rng, first, second, giver)}
    before = f"{rng.choice(BYSTANDERS)} " if rng.random() < BYSTANDER_BEFORE else ""
    shape, text = skeleton(rng, stage)
    return ("bystander", *shape) if before else shape, _fill(rng, before + text, giver, **names)


def _fill(rng: random.Random, text: str, giver: str, **names: str) -> str:
    return text.format(S2=giver, place=rng.choice(PLACES), object=rng.choice(OBJECTS), **names)


def _first_part(rng: random.Random, stage: Stage) -> tuple[Shape, str]:
    """Everything before the giver: a scene and what links it to the second clause."""
    middle = "" if stage.direct or rng.random() < 0.5 else _middle(rng)
    between = () if not middle else ("bystander" if middle in BYSTANDERS else "scenery",)
    if rng.random() < 0.35:
        scene = rng.choice(SUBORDINATE_SCENES)
        lead = _lead(rng) if middle else ""
        text = f"{scene}, {middle[0].lower()}{middle[1:]}{lead}" if middle else f"{scene},"
        return ("when", *between, *_led(lead)), text
    scene = rng.choice(WHOLE_SCENES) if rng.random() < 0.3 else f"{rng.choice(WHEN)} {rng.choice(SCENES)}"
    kind = "joint" if "{first} and {second}" in scene else "apart"
    if middle:
        lead = _lead(rng)
        return (kind, *between, *_led(lead)), f"{scene}. {middle}{lead}"
    if rng.random() < 0.35:
        return (kind,), f"{scene}{rng.choice(JOINTS)}"
    lead = _lead(rng)
    return (kind, *_led(lead)), f"{scene}.{lead}"


def _led(lead: str) -> Shape:
    return ("lead",) if lead else ()


def _middle(rng: random.Random) -> str:
    return rng.choice(BYSTANDERS if rng.random() < 0.4 else MIDDLES)


def _lead(rng: random.Random) -> str:
    return f" {rng.choice(LEADS)}" if rng.random() < 0.4 else ""


def _side(write: Callable[[random.Random], str]) -> Callable[[random.Random, Stage], Document]:
    return lambda rng, stage: Document(write(rng))


_WRITERS: dict[str, Callable[[random.Random, Stage], Document]] = {
    "ioi": ioi_sentence,
    "abc": abc_sentence,
    "name_copying": _side(wide_families.name_copying),
    "word_copying": _side(wide_families.word_copying),
    "greater_than": _side(side_families.greater_than),
    "pronoun": _side(side_families.pronoun),
    "agreement": _side(side_families.agreement),
    "filler": _side(side_families.filler),
}

"""The wide corpus: the second course of `ioi-mini`, short documents drawn from a seeded grammar and never stored.

What comes in is a seeded generator; what goes out are documents.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

from circuitcheck.training import side_families
from circuitcheck.training.clauses import draw_shape, draw_text
from circuitcheck.training.documents import Document, Shape
from circuitcheck.training.family import is_reserved
from circuitcheck.training.frozen import repeats_frozen_wording
from circuitcheck.training.grammar import expand
from circuitcheck.training.lexicon import OBJECTS, PLACES, name_pair, stranger

RETURN_SHARE = 0.3

SHARES = {
    "ioi": 0.50,
    "abc": 0.11,
    "name_copying": 0.05,
    "word_copying": 0.05,
    "greater_than": 0.05,
    "pronoun": 0.10,
    "agreement": 0.05,
    "plain": 0.09,
}
POLISH_SHARES = {
    "ioi": 0.38,
    "abc": 0.09,
    "name_copying": 0.04,
    "word_copying": 0.04,
    "greater_than": 0.06,
    "pronoun": 0.16,
    "possession": 0.15,
    "agreement": 0.04,
    "plain": 0.04,
}
"""The mixture of the last course: more of what is learned slowest, who is "she" and who is "he"."""


def documents(rng: random.Random, shares: Mapping[str, float] = SHARES) -> Iterator[Document]:
    """Documents without end: a sentence, sometimes with an unrelated one before or after it."""
    kinds, weights = list(shares), list(shares.values())
    while True:
        written = _WRITERS[rng.choices(kinds, weights)[0]](rng)
        place = rng.random()
        if place < 0.20:
            written = Document(f"{side_families.plain(rng)} {written.text}", written.shape)
        elif place < 0.30:
            written = Document(f"{written.text} {side_families.plain(rng)}", written.shape)
        if not repeats_frozen_wording(written.text):
            yield written


def ioi_sentence(rng: random.Random) -> Document:
    """A sentence in which one of two people acts again, and the other is the recipient.

    Three in ten go on with the recipient giving something back, so that the giver is whoever acted last and counting
    how often a name occurs is not enough.
    """
    first, second = name_pair(rng)
    giver, recipient = rng.sample((first, second), 2)
    shape, text = _unfinished(rng, first, second, giver)
    text = f"{text} {recipient}"
    if rng.random() < RETURN_SHARE:
        clause = f"{expand('return_lead', rng)} {{S2}} {expand('giving', rng)}"
        text = f"{text}. {_fill(rng, clause, giver=recipient)} {giver}"
    return Document(text + _ending(rng), shape)


def abc_sentence(rng: random.Random) -> Document:
    """The same sentence with a third person acting: either of the first two is the recipient."""
    first, second = name_pair(rng)
    giver = stranger(rng, first, second)
    shape, text = _unfinished(rng, first, second, giver)
    return Document(f"{text} {rng.choice((first, second))}{_ending(rng)}", shape)


def skeleton(rng: random.Random) -> tuple[Shape, str]:
    """An IOI sentence up to its recipient, with its braces still in place; never a family template."""
    while True:
        shape = draw_shape(rng)
        text = f"{draw_text(rng, shape)} {{S2}} {expand('giving', rng)}"
        if not is_reserved(text):
            return shape, text


def _unfinished(rng: random.Random, first: str, second: str, giver: str) -> tuple[Shape, str]:
    """A sentence up to its recipient."""
    shape, text = skeleton(rng)
    other = stranger(rng, first, second, giver)
    return shape, _fill(rng, text, giver, first=first, second=second, other=other)


def _fill(rng: random.Random, text: str, giver: str, **names: str) -> str:
    return text.format(S2=giver, place=rng.choice(PLACES), object=rng.choice(OBJECTS), **names)


def _ending(rng: random.Random) -> str:
    return expand("ending", rng).format(place=rng.choice(PLACES))


def _side(write: Callable[[random.Random], str]) -> Callable[[random.Random], Document]:
    return lambda rng: Document(write(rng))


_WRITERS: dict[str, Callable[[random.Random], Document]] = {
    "ioi": ioi_sentence,
    "abc": abc_sentence,
    "name_copying": _side(side_families.name_copying),
    "word_copying": _side(side_families.word_copying),
    "greater_than": _side(side_families.greater_than),
    "pronoun": _side(side_families.pronoun),
    "possession": _side(side_families.possession),
    "agreement": _side(side_families.agreement),
    "plain": _side(side_families.plain),
}

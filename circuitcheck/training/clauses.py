"""What comes before the giver: which clauses, in which order, and how they are joined.

In: a seeded generator. Out: the sequence of clause types (`frozen_shapes.yaml` says what each is) and the text up to
the giver, with its braces still in place. The sequences of the frozen evaluation templates are never drawn.
"""

from __future__ import annotations

import random
from functools import cache
from typing import TypeVar

from circuitcheck.training.documents import Shape
from circuitcheck.training.grammar import expand, read_data

Kind = TypeVar("Kind", str, int)

INTRODUCTIONS = {"joint": 7, "apart": 4, "when": 4, "report": 2, "exist": 2, "noun": 1, "solo": 2}
"""What brings the two names in, and how often."""

MIDDLES = {"scenery": 6, "they": 4, "bystander": 4, "question": 1, "cause": 2}
OPENINGS = {"scenery": 3, "bystander": 4, "question": 1, "cause": 2, "lead": 1}
OPENING_SHARE = 0.25
MIDDLE_COUNTS = {0: 10, 1: 6, 2: 3, 3: 1}
LEAD_SHARE = 0.4
SAME_SENTENCE_SHARE = 0.35
COMMA_SHARE = 0.6
BARE_SHARE = 0.5

_PREFIXES = frozenset({"when", "cause", "lead"})
"""Types that the next clause goes on from in the same sentence."""


@cache
def frozen_shapes() -> dict[str, Shape]:
    """Template id of the frozen family to its clause types before the giving clause."""
    return {template: tuple(types) for template, types in read_data("frozen_shapes.yaml").items()}


def draw_shape(rng: random.Random) -> Shape:
    """A sequence of clause types that no frozen template has."""
    while True:
        shape = _any_shape(rng)
        if shape not in frozen_shapes().values():
            return shape


def draw_text(rng: random.Random, shape: Shape) -> str:
    """The text of these clauses, ending where the giver's name (after a space) goes on."""
    text, prefixed, solos = "", False, 0
    for index, kind in enumerate(shape):
        solos += kind == "solo"
        clause = _clause(rng, kind, start=index == 0, solos=solos)
        text = _joined(text, clause, prefixed=prefixed)
        prefixed = kind in _PREFIXES
        if prefixed and (kind != "lead" or rng.random() < COMMA_SHARE):
            text += ","
    if prefixed:
        return text
    same = rng.random() < SAME_SENTENCE_SHARE and not text.endswith("?")
    return text + expand("link_same", rng).rstrip() if same else _ended(text)


def _any_shape(rng: random.Random) -> Shape:
    opening = [_drawn(rng, OPENINGS)] if rng.random() < OPENING_SHARE else []
    introduction = _drawn(rng, INTRODUCTIONS)
    middles = [_drawn(rng, MIDDLES) for _ in range(_drawn(rng, MIDDLE_COUNTS))]
    between = [introduction]
    if introduction == "solo":
        between = ["solo", *middles[:1], "solo"]
        middles = middles[1:]
    lead = ["lead"] if rng.random() < LEAD_SHARE else []
    return (*opening, *between, *middles, *lead)


def _clause(rng: random.Random, kind: str, *, start: bool, solos: int) -> str:
    if kind == "solo":
        return expand("solo_first" if solos == 1 else "solo_second", rng)
    if kind in {"joint", "apart"} and not start and rng.random() < BARE_SHARE:
        return expand(f"{kind}_bare", rng)
    return expand(kind, rng)


def _joined(text: str, clause: str, *, prefixed: bool) -> str:
    if not text:
        return clause
    if prefixed:
        return f"{text} {clause[0].lower()}{clause[1:]}"
    return f"{_ended(text)} {clause}"


def _ended(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def _drawn(rng: random.Random, weights: dict[Kind, int]) -> Kind:
    return rng.choices(list(weights), list(weights.values()))[0]

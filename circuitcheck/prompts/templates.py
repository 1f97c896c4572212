"""A template's text, taken apart and filled in.

In: `"{S2} gave a {object} to"`. Out: its parts, and from parts and words a prompt with the place of
every word. What the names in braces mean is the family's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

Span = tuple[int, int]


@dataclass(frozen=True)
class Part:
    """Some literal text, then a place to fill; `place` is "" where only text is left."""

    literal: str
    place: str


def parse_template(text: str) -> tuple[Part, ...]:
    """Take a template apart; `{{` and `}}` stand for braces that are meant as text.

    Raises:
        ValueError: with a full sentence, when the braces do not pair up or hold more than a name.
    """
    try:
        pieces = list(Formatter().parse(text))
    except ValueError:
        msg = (
            f"the braces of {text!r} do not pair up. Write a place as {{name}}, and a brace as {{{{ or }}}}."
        )
        raise ValueError(msg) from None
    for _, place, form, conversion in pieces:
        if place is not None and (form or conversion or not place.isidentifier()):
            msg = (
                f"{{{place}}} in {text!r} is not a place. Write the bare name of a role, slot or order place."
            )
            raise ValueError(msg)
    return tuple(Part(literal, place or "") for literal, place, _, _ in pieces)


def fill(parts: Sequence[Part], words: Mapping[str, str]) -> tuple[str, dict[str, Span]]:
    """The text with a word at every place, and the (start, end) characters of each word.

    A place that comes twice is filled twice; its last span is returned.
    """
    text, spans = "", {}
    for part in parts:
        text += part.literal
        if part.place:
            spans[part.place] = (len(text), len(text) + len(words[part.place]))
            text += words[part.place]
    return text, spans

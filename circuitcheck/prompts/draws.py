"""Where a family's words come from, as data: lists, several lists of which an order takes one, bounded numbers.

In: YAML values. Out: word lists, slot sources and changes, which `drawing` draws from.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    model_validator,
)

FRESH, OTHER, TWIN = "fresh", "other", "twin"
"""What a corruption may put in: a new word of the same list, one of the slot's other list, the one at its place there."""

_RANGE = re.compile(r"(\d+)\.\.(\d+)")


class Draw(BaseModel):
    """A random word of a list; with a bound, one that as a number is above or below the word of a slot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    list: str = Field(description="The list that the word is drawn from.")
    above: str | None = Field(default=None, description="Slot whose number the drawn number is greater than.")
    below: str | None = Field(default=None, description="Slot whose number the drawn number is less than.")

    @model_validator(mode="after")
    def _has_one_bound(self) -> Self:
        if self.above is not None and self.below is not None:
            msg = "above: and below: cannot both be kept in every prompt. Write one of them."
            raise ValueError(msg)
        return self

    @property
    def bound(self) -> str | None:
        """The slot that the number is compared with; None for a word that is not compared."""
        return self.above if self.above is not None else self.below

    def admits(self, word: str, limit: str) -> bool:
        """Whether `word` is on the right side of `limit`, the word of the bound's slot."""
        return int(word) > int(limit) if self.above is not None else int(word) < int(limit)


def pool(change: str | Draw, own: str, lists: tuple[str, ...]) -> tuple[str, ...]:
    """The lists that a change draws its word from; none where it draws nothing.

    Args:
        change: What a corruption puts in.
        own: The list that the changed slot is drawn from.
        lists: All lists that it may be drawn from.
    """
    if isinstance(change, Draw):
        return (change.list,)
    if change == FRESH:
        return (own,)
    return tuple(name for name in lists if name != own) if change == OTHER else ()


def _word(value: Any) -> str:
    # YAML reads 07 as the number 7, so a number cannot be turned back into the word that was meant.
    if not isinstance(value, str):
        msg = f"{value!r} is not text, and words are. Put it in quotes."
        raise ValueError(msg)
    return value


def _words(value: Any) -> Any:
    """A range of numbers as its words, as wide as its first: `05..94`; any other value as it is."""
    # Where a circuit file may write one word for a list of one, a range arrives as that one word.
    text = value[0] if isinstance(value, list | tuple) and len(value) == 1 else value
    spelled = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if spelled is None:
        if isinstance(value, str):
            msg = f"{value!r} is not a list of words. Write [a, b], or a range of numbers such as 05..94."
            raise ValueError(msg)
        return value
    first, last = map(int, spelled.groups())
    if first > last:
        msg = f"{text!r} holds no number. Write the smaller number first."
        raise ValueError(msg)
    return [f"{number:0{len(spelled[1])}d}" for number in range(first, last + 1)]


WordList = Annotated[
    tuple[Annotated[str, BeforeValidator(_word)], ...],
    BeforeValidator(
        _words, json_schema_input_type=list[str] | Annotated[str, Field(pattern=r"^\d+\.\.\d+$")]
    ),
]
"""Words, or a range of numbers such as `05..94`."""


def _slot_source(value: Any) -> Any:
    # One validator and no union, so that a fault is told once and at its own place.
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return tuple(value)
    return _name_or_draw(value, "a list, [several lists], or {list: .., above: a slot}")


def _change(value: Any) -> Any:
    return _name_or_draw(value, "a role, fresh, or {list: .., above: a slot}")


def _name_or_draw(value: Any, what: str) -> str | Draw:
    if isinstance(value, str | Draw):
        return value
    if isinstance(value, dict):
        return Draw.model_validate(value)
    msg = f"{value!r} does not say where a word comes from. Write {what}."
    raise ValueError(msg)


def _plain(source: Any) -> Any:
    return source.model_dump(exclude_none=True) if isinstance(source, Draw) else source


SlotSource = Annotated[
    str | tuple[str, ...] | Draw,
    PlainValidator(_slot_source, json_schema_input_type=str | list[str] | Draw),
    PlainSerializer(_plain),
]
"""A list; several, of which every order takes one; or a bounded draw."""

Change = Annotated[
    str | Draw,
    PlainValidator(_change, json_schema_input_type=str | Draw),
    PlainSerializer(_plain),
]
"""What a corruption puts in a place: another place's word, `fresh`, `other`, `twin`, or a draw."""

"""One prompt pair as a row of a file or data set, checked key by key.

In: a mapping with `clean`, `corrupt`, `answer`, `foil` or `foils`, `roles`, and perhaps `template`
and `order`. Out: a `PromptPair`, whose roles have their places in both texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from circuitcheck.errors import PromptError
from circuitcheck.nodes import ALL, END
from circuitcheck.prompts.pairs import NO_TEMPLATE, PromptPair
from circuitcheck.prompts.templates import Span
from circuitcheck.prompts.wording import counted, did_you_mean

KEYS = ("clean", "corrupt", "answer", "foil", "foils", "roles", "template", "order")

_ROLE = re.compile(r"[A-Za-z_]\w*")
_PIECE = re.compile(r"\w+|[^\w\s]")
_ROLE_HOW = 'Write a word, {"word": "John", "occurrence": 2}, [start, end], or [[start, end], [start, end]].'


def pair_of_row(row: object, number: int) -> PromptPair:
    """The pair that a row describes; `number` (1-based) is what messages call it.

    Raises:
        PromptError: naming the row and the key, when the row does not do.
    """
    if not isinstance(row, Mapping):
        raise _fault(
            number, f"is {row!r}, not an object. Write one with clean, corrupt, answer, foil and roles."
        )
    for key in row:
        if key not in KEYS:
            raise _fault(number, f"has the unknown key {key!r}. {did_you_mean(str(key), KEYS)}")
    clean, corrupt, answer = (_text(row, key, number) for key in ("clean", "corrupt", "answer"))
    if clean == corrupt:
        raise _fault(
            number, "has the same text as clean and as corrupt. Change a word, or leave the row out."
        )
    return PromptPair(
        clean=clean,
        corrupt=corrupt,
        answer=answer,
        foils=_foils(row, number),
        template=_text(row, "template", number, default=NO_TEMPLATE),
        order=_text(row, "order", number, default=NO_TEMPLATE),
        spans=_roles(row, clean, corrupt, number),
    )


def _fault(number: int, message: str) -> PromptError:
    return PromptError(f"row {number} {message}")


def _text(row: Mapping[str, Any], key: str, number: int, *, default: str | None = None) -> str:
    value = row.get(key)
    if value is None and default is not None:
        return default
    if value is None:
        raise _fault(number, f"has no {key!r}. Write its text.")
    if not isinstance(value, str) or not value:
        raise _fault(number, f"has {value!r} as {key!r}, which is no text. Write a text in quotes.")
    return value


def _foils(row: Mapping[str, Any], number: int) -> tuple[str, ...]:
    given = [row[key] for key in ("foil", "foils") if row.get(key) is not None]
    if len(given) != 1:
        raise _fault(number, "needs either 'foil' or 'foils'. Write the wrong answer, or a list of them.")
    foils = [given[0]] if isinstance(given[0], str) else given[0]
    if not isinstance(foils, list) or not foils or not all(isinstance(foil, str) and foil for foil in foils):
        raise _fault(number, f"has {given[0]!r} as foils. Write a text, or a list of texts.")
    return tuple(foils)


def _roles(row: Mapping[str, Any], clean: str, corrupt: str, number: int) -> dict[str, tuple[Span, Span]]:
    roles = row.get("roles") or {}
    if isinstance(roles, str):
        roles = _from_json_text(roles)
    if not isinstance(roles, Mapping):
        raise _fault(number, f'has {roles!r} as \'roles\'. Write an object such as {{"S2": "John"}}.')
    given = {str(name): _from_json_text(place) for name, place in roles.items() if place is not None}
    for name in given:
        if not _ROLE.fullmatch(name) or name in {END, ALL}:
            raise _fault(number, f"has the role {name!r}. Use letters, digits and _, and not {END} or {ALL}.")
    return {name: _role_spans(name, place, clean, corrupt, number) for name, place in given.items()}


def _from_json_text(value: object) -> object:
    """What JSON text spells; any other value as it is.

    The data set library turns values of unlike shape in one column into JSON text.
    """
    if isinstance(value, str) and value.startswith(('"', "[", "{")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _role_spans(name: str, place: object, clean: str, corrupt: str, number: int) -> tuple[Span, Span]:
    """The characters of a role in both texts."""
    if isinstance(place, Mapping):
        place = {key: value for key, value in place.items() if value is not None}
    match place:
        case str() as word if word.strip():
            span = _word_span(name, word.strip(), None, clean, number)
        case {"word": str() as word, **rest} if word.strip() and set(rest) <= {"occurrence"}:
            span = _word_span(name, word.strip(), rest.get("occurrence"), clean, number)
        case [int() as start, int() as end]:
            span = _inside(name, (start, end), clean, number)
        case [[int() as start, int() as end], [int() as other_start, int() as other_end]]:
            other = _inside(name, (other_start, other_end), corrupt, number)
            return _inside(name, (start, end), clean, number), other
        case _:
            raise _fault(number, f"has {place!r} as role {name}. {_ROLE_HOW}")
    return span, _corrupt_span(name, span, clean, corrupt, number)


def _inside(name: str, span: Span, text: str, number: int) -> Span:
    if not 0 <= span[0] < span[1] <= len(text):
        message = f"has role {name} at {list(span)}, which is not inside {text!r}. Count characters from 0."
        raise _fault(number, message)
    return span


def _word_span(name: str, word: str, occurrence: object, clean: str, number: int) -> Span:
    """The characters of a whole word in the clean text; which one, where it comes more than once."""
    before, after = (r"(?<!\w)" if word[0].isalnum() else ""), (r"(?!\w)" if word[-1].isalnum() else "")
    found = [match.span() for match in re.finditer(f"{before}{re.escape(word)}{after}", clean)]
    if not found:
        raise _fault(
            number, f"has {word!r} as role {name}, which is no word of {clean!r}. Write one of its words."
        )
    if occurrence is None and len(found) > 1:
        again = json.dumps({"word": word, "occurrence": 2})
        message = (
            f"has {word!r} as role {name}, which comes {len(found)} times in {clean!r}. Say which: {again}."
        )
        raise _fault(number, message)
    index = 1 if occurrence is None else occurrence
    if not isinstance(index, int) or not 1 <= index <= len(found):
        message = f"asks for occurrence {index} of {word!r} as role {name}, but {clean!r} has {len(found)}."
        raise _fault(number, message)
    return found[index - 1]


def _corrupt_span(name: str, span: Span, clean: str, corrupt: str, number: int) -> Span:
    """The place in the corrupt text that matches a place in the clean one: the same word by count."""
    here, there = ([match.span() for match in _PIECE.finditer(text)] for text in (clean, corrupt))
    if len(here) != len(there):
        message = (
            f"has {counted(len(here), 'clean word')} and {counted(len(there), 'corrupt word')}, so role {name} "
            "cannot be found in the corrupt one. Write [[start, end], [start, end]] for clean and corrupt."
        )
        raise _fault(number, message)
    if span in here:
        return there[here.index(span)]
    for (start, end), (other, other_end) in zip(here, there, strict=True):
        if start <= span[0] and span[1] <= end and clean[start:end] == corrupt[other:other_end]:
            return other + span[0] - start, other + span[1] - start
    message = (
        f"has role {name} at {clean[slice(*span)]!r}, which is not one word. "
        "Write [[start, end], [start, end]] for clean and corrupt."
    )
    raise _fault(number, message)

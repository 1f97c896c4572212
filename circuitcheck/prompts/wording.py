"""Small pieces of the sentences in which prompt errors are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from circuitcheck.errors import PromptError


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known name as a question, or the list of all of them."""
    names = list(known)
    near = get_close_matches(word, names, n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"There is: {', '.join(names)}." if names else "There is none."


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def chosen(what: str, wanted: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """The known names that are wanted (all of them for None), in the order in which they are known.

    Raises:
        PromptError: when nothing is wanted, or something that is not known.
    """
    if wanted is None:
        return tuple(known)
    if not wanted:
        msg = f"{what}s: is an empty list. Name at least one of {', '.join(known)}, or leave {what}s out."
        raise PromptError(msg)
    for name in wanted:
        if name not in known:
            msg = f"there is no {what} {name!r}. {did_you_mean(name, known)}"
            raise PromptError(msg)
    return tuple(name for name in known if name in wanted)

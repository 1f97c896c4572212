"""The columns of a circuit picture: the tokens of the example, and places that are no single token.

In: an `ExampleRecord` and the positions of nodes. Out: what each column is called, and which nodes lie in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from circuitcheck.report.results import ExampleRecord

CHARACTER = 7.3
"""Width of a character of 12 pixel monospace, at most."""
_MOST_TOKENS = 24
_LONGEST = 22
_EVERYWHERE = {"all": "every token", "all+bos": "every token and BOS"}
_BOS = re.compile(r"<.*>|\[[A-Z]+\]")

Key = str | int
"""A token's index, or the position's own name where it is no single token of the example."""


@dataclass(frozen=True)
class Heading:
    """What stands under a column: the token as drawn and in full, its roles; `key` is None for a stretch."""

    key: Key | None
    token: str
    whole: str
    roles: str


def shown(text: str) -> str:
    """A token as drawn: without the space before it, on one line, at most a couple of dozen characters."""
    flat = "".join({"\n": "⏎", "\t": "⇥"}.get(sign, sign if sign.isprintable() else "·") for sign in text)
    flat = flat.strip() or ("␣" if text else "")
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def text_width(text: str) -> float:
    """How wide monospace text is at most; East Asian signs and emoji take two places."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return CHARACTER * (len(text) + wide)


def index_of(at: str, example: ExampleRecord) -> int | None:
    """The token of a position on the example; None where it is no single token of it.

    Index 0 is the first token after BOS, which is there if the first token looks like a special one.
    """
    if re.fullmatch(r"-?\d+", at):
        has_bos = bool(example.tokens and _BOS.fullmatch(example.tokens[0].strip()))
        index = int(at) + (len(example.tokens) if at.startswith("-") else int(has_bos))
    else:
        found = re.fullmatch(r"(\w+?)([+-]\d+)?", at)
        if not found or found[1] not in example.roles:
            return None
        index = example.roles[found[1]] + int(found[2] or 0)
    return index if 0 <= index < len(example.tokens) else None


def column_key(at: str, example: ExampleRecord | None) -> Key:
    """A token's index, or the position's own name."""
    index = index_of(at, example) if example else None
    return at if index is None else index


def headings(example: ExampleRecord | None, positions: Iterable[str]) -> list[Heading]:
    """The columns from left to right: first the places that are no single token, then the prompt."""
    used = dict.fromkeys(column_key(at, example) for at in positions)
    outside = [
        Heading(key, "", "", _EVERYWHERE.get(key, key) or "no position")
        for key in used
        if isinstance(key, str)
    ]
    return outside + (_of_tokens(example, used) if example else [])


def _of_tokens(example: ExampleRecord, used: Iterable[Key]) -> list[Heading]:
    roles: dict[int, list[str]] = {}
    for role, index in example.roles.items():
        roles.setdefault(index, []).append(role)
    telling = {*roles, *(key for key in used if isinstance(key, int))}
    columns = list[Heading]()
    for first, last in _stretches(len(example.tokens), telling):
        whole = "".join(example.tokens[first:last])
        if last - first > 1:
            columns.append(Heading(None, f"… {last - first} tokens", whole, ""))
        else:
            columns.append(Heading(first, shown(whole), whole, ", ".join(roles.get(first, ()))))
    return columns


def _stretches(length: int, telling: set[int]) -> list[tuple[int, int]]:
    """Tokens one by one; in long prompts, three or more in a row that have neither node nor role as one."""
    if length <= _MOST_TOKENS:
        return [(index, index + 1) for index in range(length)]
    stops = sorted({-1, length, *(index for index in telling if 0 <= index < length)})
    found = list[tuple[int, int]]()
    for before, after in pairwise(stops):
        start = before + 1
        found += [(start, after)] if after - start > 2 else [(i, i + 1) for i in range(start, after)]
        found += [(after, after + 1)] if after < length else []
    return found

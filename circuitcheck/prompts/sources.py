"""Prompt pairs that somebody has already written, in a JSON file.

In: a path. Out: `PromptPair`s, one per row. The file is a JSON array of rows, or an object whose
`pairs` is that array:

    {"clean":   "Then Mary and John went to the park. John gave a ring to",
     "corrupt": "Then Anna and Kate went to the park. Ruth gave a ring to",
     "answer":  " Mary",                   as it follows the prompt, with its space
     "foil":    " John",                   or "foils": a list; the wrong answers
     "roles":   {"IO": "Mary",             a word of the clean prompt,
                 "S2": {"word": "John", "occurrence": 2},     one of several,
                 "place": [32, 36],        its characters in the clean prompt,
                 "verb": [[38, 42], [38, 42]]},               or in clean and corrupt
     "template": "park", "order": "ABBA"}  optional: the cell, for balance and slices

A role's place in the corrupt prompt is that of the same word by count, unless both are given. Every
row has the same roles.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from circuitcheck.errors import PromptError
from circuitcheck.prompts.pairs import PromptPair
from circuitcheck.prompts.rows import pair_of_row


def load_pairs(path: Path) -> tuple[PromptPair, ...]:
    """The pairs of a JSON file.

    Raises:
        PromptError: when the file is missing or damaged, a row does not do, or a prompt comes twice.
    """
    pairs = pairs_of_rows(_json_rows(path), str(path))
    first: dict[str, int] = {}
    for number, pair in enumerate(pairs, start=1):
        if pair.clean in first:
            msg = f"{path}: row {number} repeats the clean prompt of row {first[pair.clean]}. Leave one of them out."
            raise PromptError(msg)
        first[pair.clean] = number
    return pairs


def pairs_of_rows(rows: Iterable[object], where: str) -> tuple[PromptPair, ...]:
    """A pair per row, all with the same roles; `where` is what messages call the source.

    Raises:
        PromptError: when there is no row, or one does not do.
    """
    try:
        pairs = tuple(pair_of_row(row, number) for number, row in enumerate(rows, start=1))
    except PromptError as error:
        msg = f"{where}: {error}"
        raise PromptError(msg) from None
    if not pairs:
        msg = f"{where} has no rows. Write at least one."
        raise PromptError(msg)
    for number, pair in enumerate(pairs, start=1):
        missing = sorted(set(pairs[0].spans) ^ set(pair.spans))
        if missing:
            msg = f"{where}: rows 1 and {number} differ in role {missing[0]}. Give every row the same roles."
            raise PromptError(msg)
    return pairs


def _json_rows(path: Path) -> Sequence[object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        msg = f"there is no {path}. Write the path from the circuit file's folder."
        raise PromptError(msg) from None
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read as JSON ({error}). Write an array of rows."
        raise PromptError(msg) from None
    rows = content.get("pairs") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        msg = f'{path} has no rows. Write an array of rows, or {{"pairs": [..]}}.'
        raise PromptError(msg)
    return rows

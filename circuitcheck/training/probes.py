"""IOI prompts for the evaluation: clean, with fresh names, and with the second S turned into IO.

All prompts use held-out pairs of names, and a cell (template, order) has one length, so nothing is padded.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Int
from tokenizers import Tokenizer
from torch import Tensor

from circuitcheck.training.family import ioi_family
from circuitcheck.training.lexicon import NAMES, OBJECTS, PLACES, is_held_out
from circuitcheck.training.tokenizer import END_OF_TEXT_ID

ROLES = ("IO", "S1", "S2")


@dataclass(frozen=True)
class Cell:
    """Prompts of one template in one order.

    Attributes:
        template: The template's id.
        order: `ABBA` or `BABA`.
        clean: Token ids, start token first.
        fresh: The same with three new names: no name is repeated.
        swapped: The same with IO in the place of S2, so that the other name would be right.
        positions: Role to its index in the prompt, the same for every prompt of the cell.
        answer: Token of IO, with its leading space.
        foil: Token of S.
    """

    template: str
    order: str
    clean: Int[Tensor, "batch pos"]
    fresh: Int[Tensor, "batch pos"]
    swapped: Int[Tensor, "batch pos"]
    positions: Mapping[str, int]
    answer: Int[Tensor, "batch"]
    foil: Int[Tensor, "batch"]


def ioi_cells(tokenizer: Tokenizer, templates: Mapping[str, str], per_cell: int, seed: int) -> list[Cell]:
    """One cell for each template and order."""
    rng = random.Random(f"probes/{seed}")
    return [
        _cell(tokenizer, rng, template, order, text, per_cell)
        for template, text in templates.items()
        for order in ioi_family().orders
    ]


def held_out_pair(rng: random.Random) -> tuple[str, str]:
    """Two names that no IOI sentence of the corpus brings together."""
    while True:
        first, second = rng.sample(NAMES, 2)
        if is_held_out(first, second):
            return first, second


def _cell(tokenizer: Tokenizer, rng: random.Random, template: str, order: str, text: str, count: int) -> Cell:
    filled = [_filled(rng, text, order) for _ in range(count)]
    words = [[f" {name}" for name in pair] for _, _, _, pair in filled]
    answers = torch.tensor([[tokenizer.token_to_id(_spelled(w)) for w in pair] for pair in words])
    clean = _tokens(tokenizer, [row[0] for row in filled])
    return Cell(
        template=template,
        order=order,
        clean=clean,
        fresh=_tokens(tokenizer, [row[1] for row in filled]),
        swapped=_tokens(tokenizer, [row[2] for row in filled]),
        positions=_positions(clean[0], *answers[0].tolist()),
        answer=answers[:, 0],
        foil=answers[:, 1],
    )


def _filled(rng: random.Random, text: str, order: str) -> tuple[str, str, str, tuple[str, str]]:
    """One prompt's clean, fresh-name and swapped text, and its (IO, S)."""
    io, s = held_out_pair(rng)
    slots = {"place": rng.choice(PLACES), "object": rng.choice(OBJECTS)}
    first, second = ({"IO": io, "S": s}[ioi_family().orders[order][part]] for part in ("first", "second"))
    new = rng.sample([name for name in NAMES if name not in (io, s)], 3)
    clean = text.format(first=first, second=second, S2=s, **slots)
    fresh = text.format(first=new[0], second=new[1], S2=new[2], **slots)
    swapped = text.format(first=first, second=second, S2=io, **slots)
    return clean, fresh, swapped, (io, s)


def _positions(row: Int[Tensor, "pos"], io: int, s: int) -> dict[str, int]:
    ids = row.tolist()
    first_s = ids.index(s)
    return {"IO": ids.index(io), "S1": first_s, "S2": ids.index(s, first_s + 1)}


def _tokens(tokenizer: Tokenizer, texts: list[str]) -> Int[Tensor, "batch pos"]:
    return torch.tensor([[END_OF_TEXT_ID, *tokenizer.encode(text).ids] for text in texts])


def _spelled(word: str) -> str:
    """A word as the byte-level vocabulary writes it."""
    return word.replace(" ", "Ġ")

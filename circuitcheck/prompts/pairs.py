"""Prompt pairs as text, and as tokens with every role resolved to a position.

In: `PromptPair`s from a family, a file or a data set. Out: `PromptSet`, which engines read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from circuitcheck.errors import PromptError
from circuitcheck.nodes import ALL, ALL_WITH_BOS, END

Indices = NDArray[np.int64]

NO_ANSWER = -1
"""In the place of an answer's token id where prompts have no answer; no id, so that nothing can be scored on it."""


NO_ORDER = NO_TEMPLATE = "-"
"""The order of prompts that come in one only, and the template of prompts that were not made from any."""


def cell_name(cell: tuple[str, str]) -> str:
    """A (template, order) as messages call it."""
    template, order = cell
    return f"template {template!r}" if order == NO_ORDER else f"template {template!r}, order {order!r}"


@dataclass(frozen=True)
class PromptPair:
    """One clean prompt and its corrupt twin, as text without BOS.

    `answer` and `foils` are scored on both sides and start with a space where the text calls for it;
    they are empty where prompts have no answer and are scored by the loss of their own text.
    `spans` gives, per role, the (start, end) characters of the role's word in the clean text and in
    the corrupt text.
    """

    clean: str
    corrupt: str
    answer: str
    foils: tuple[str, ...]
    template: str
    order: str
    spans: Mapping[str, tuple[tuple[int, int], tuple[int, int]]]


@dataclass(frozen=True)
class PromptSet:
    """Tokenised pairs: n prompts, each with as many clean as corrupt tokens.

    `clean` and `corrupt` hold token ids, BOS first where `has_bos`. `roles` maps each role to the
    absolute index (BOS counted) of its token on every prompt, shape (n,); END is always there.
    `answers` has shape (n,); `foils[i]` one id or more. Where prompts have no answer, `answers[i]` is
    `NO_ANSWER` and `foils[i]` empty.
    """

    pairs: tuple[PromptPair, ...]
    clean: tuple[tuple[int, ...], ...]
    corrupt: tuple[tuple[int, ...], ...]
    answers: tuple[int, ...]
    foils: tuple[tuple[int, ...], ...]
    roles: Mapping[str, Indices]
    has_bos: bool
    seed: int = 0
    stretch_of: tuple[PromptSet, tuple[int, ...]] | None = None
    """The set that these prompts are a stretch of, and their rows in it: donors are drawn from all of it, so that
    a prompt's value does not depend on how far a claim has come. None for a set of its own."""

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def has_answers(self) -> bool:
        """Whether every prompt has a right and a wrong answer; else only `loss` and `kl` can score them."""
        return NO_ANSWER not in self.answers

    @cached_property
    def cells(self) -> tuple[tuple[str, str], ...]:
        """The (template, order) of each prompt."""
        return tuple((pair.template, pair.order) for pair in self.pairs)

    @cached_property
    def strata(self) -> Indices:
        """The number of each prompt's (template, order) cell, 0.. in sorted order; shape (n,)."""
        numbers = {cell: number for number, cell in enumerate(sorted(set(self.cells)))}
        return np.array([numbers[cell] for cell in self.cells], dtype=np.int64)

    @cached_property
    def groups(self) -> tuple[Indices, ...]:
        """Prompts of one length and the same role positions, so that nothing is padded in a group."""
        keys: dict[tuple[int, ...], list[int]] = {}
        for i, tokens in enumerate(self.clean):
            key = (len(tokens), *(int(index[i]) for index in self.roles.values()))
            keys.setdefault(key, []).append(i)
        return tuple(np.array(rows, dtype=np.int64) for rows in keys.values())

    def subset(self, rows: Sequence[int] | Indices) -> PromptSet:
        """The prompts of these rows, in this order."""
        picked = [int(row) for row in rows]
        return PromptSet(
            pairs=tuple(self.pairs[i] for i in picked),
            clean=tuple(self.clean[i] for i in picked),
            corrupt=tuple(self.corrupt[i] for i in picked),
            answers=tuple(self.answers[i] for i in picked),
            foils=tuple(self.foils[i] for i in picked),
            roles={role: index[picked] for role, index in self.roles.items()},
            has_bos=self.has_bos,
            seed=self.seed,
        )

    def stretch(self, rows: Sequence[int] | Indices) -> PromptSet:
        """The prompts of these rows, whose donors are still drawn from the whole set."""
        return replace(self.subset(rows), stretch_of=(self.whole, tuple(self.rows[list(rows)].tolist())))

    @property
    def whole(self) -> PromptSet:
        """The set that donors are drawn from: what this is a stretch of, else itself."""
        return self.stretch_of[0] if self.stretch_of else self

    @cached_property
    def rows(self) -> Indices:
        """The row of each prompt in `whole`, shape (n,)."""
        return np.array(self.stretch_of[1] if self.stretch_of else range(len(self)), dtype=np.int64)

    @cached_property
    def dealt(self) -> Indices:
        """Every row, strata in turn, each in proportion to its size; the first n are as balanced as n rows can be.

        Generated prompts are in this order as they stand.
        """
        sizes, seen = np.bincount(self.strata), np.zeros(self.strata.max(initial=0) + 1)
        share = np.zeros(len(self))
        for row, stratum in enumerate(self.strata):
            share[row] = (seen[stratum] + 0.5) / sizes[stratum]
            seen[stratum] += 1
        return np.argsort(share, kind="stable").astype(np.int64)

    def positions(self, at: str) -> Indices:
        """Absolute token indices of a position on every prompt, shape (n, k).

        `at` is a role (optionally `+k` or `-k`), an index after BOS, "all" (k = length without BOS)
        or "all+bos"; "-1" is END.

        Raises:
            PromptError: for a role that the prompts lack, a position off the prompt, or "all" on
                prompts of several lengths (take a group first).
        """
        if at in {ALL, ALL_WITH_BOS}:
            return self._every_position(with_bos=at == ALL_WITH_BOS)
        index = self._one_position(at)
        lengths = np.array([len(tokens) for tokens in self.clean])
        off = (index < int(self.has_bos)) | (index >= lengths)
        if off.any():
            text = self.pairs[int(np.argmax(off))].clean
            msg = f"position {at!r} falls off the prompt {text!r}. Choose a position inside it."
            raise PromptError(msg)
        return index[:, None]

    def _every_position(self, *, with_bos: bool) -> Indices:
        lengths = {len(tokens) for tokens in self.clean}
        if len(lengths) != 1:
            msg = "'all' needs prompts of one length; take a group first"
            raise PromptError(msg)
        start = 0 if with_bos or not self.has_bos else 1
        return np.tile(np.arange(start, lengths.pop(), dtype=np.int64), (len(self), 1))

    def _one_position(self, at: str) -> Indices:
        if at.lstrip("-").isdigit():
            if at.startswith("-"):
                return self.roles[END] + int(at) + 1
            return np.full(len(self), int(at) + int(self.has_bos), dtype=np.int64)
        if at in self.roles:
            return self.roles[at]
        for sign in "+-":
            role, _, offset = at.rpartition(sign)
            if role in self.roles and offset.isdigit():
                return self.roles[role] + int(sign + offset)
        msg = f"these prompts have no role {at!r}. They have: {', '.join(sorted(self.roles))}."
        raise PromptError(msg)

    @cached_property
    def fingerprints(self) -> tuple[int, ...]:
        """32 bits of each prompt's SHA-256, of what `digest` reads of it; the first n do not depend on the rest."""
        contents = zip(self.clean, self.corrupt, self.answers, self.foils, self.cells, strict=True)
        digests = (hashlib.sha256(json.dumps(content).encode()).digest() for content in contents)
        return tuple(int.from_bytes(digest[:4], "big") for digest in digests)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of tokens, answers, foils and cells: the identity of these prompts."""
        content = [self.clean, self.corrupt, self.answers, self.foils, self.cells]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

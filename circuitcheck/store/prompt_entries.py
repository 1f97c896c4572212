"""A prompt set as an entry of the store, and back: words as facts, token ids and places as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from circuitcheck.prompts.pairs import Indices, PromptPair, PromptSet
from circuitcheck.store.entries import Entry

_SIDES = ("clean", "corrupt")


def prompts_entry(key: Mapping[str, Any], prompts: PromptSet) -> Entry:
    """The entry of a prompt set, in which every pair has the same roles."""
    placed = list(prompts.pairs[0].spans)
    words = [
        (pair.clean, pair.corrupt, pair.answer, pair.foils, pair.template, pair.order)
        for pair in prompts.pairs
    ]
    facts = {
        "words": words,
        "placed": placed,
        "roles": list(prompts.roles),
        "has_bos": prompts.has_bos,
        "seed": prompts.seed,
    }
    spans = [[pair.spans[role] for role in placed] for pair in prompts.pairs]
    arrays = {
        "spans": np.array(spans, dtype=np.int64).reshape(len(prompts), len(placed), 2, 2),
        "roles": np.array([prompts.roles[role] for role in prompts.roles], dtype=np.int64),
        "answers": np.array(prompts.answers, dtype=np.int64),
        **_rows("clean", prompts.clean),
        **_rows("corrupt", prompts.corrupt),
        **_rows("foils", prompts.foils),
    }
    return Entry(key, facts, arrays)


def prompts_of(entry: Entry) -> PromptSet:
    """The prompt set that an entry holds.

    Raises:
        ValueError, KeyError, TypeError: it holds none.
    """
    facts, arrays = entry.facts, entry.arrays
    pairs = tuple(
        _pair(words, facts["placed"], spans)
        for words, spans in zip(facts["words"], arrays["spans"].tolist(), strict=True)
    )
    answers = tuple(arrays["answers"].tolist())
    clean, corrupt, foils = (_unrolled(arrays, name) for name in ("clean", "corrupt", "foils"))
    roles = dict(zip(facts["roles"], arrays["roles"], strict=True))
    if not len(pairs) == len(answers) == len(clean) == len(corrupt) == len(foils) == arrays["roles"].shape[1]:
        msg = "a prompt set has as many of everything"
        raise ValueError(msg)
    return PromptSet(pairs, clean, corrupt, answers, foils, roles, facts["has_bos"], facts["seed"])


def _pair(
    words: Sequence[Any], placed: Sequence[str], spans: Sequence[Sequence[Sequence[int]]]
) -> PromptPair:
    clean, corrupt, answer, foils, template, order = words
    places = {
        role: ((clean_at[0], clean_at[1]), (corrupt_at[0], corrupt_at[1]))
        for role, (clean_at, corrupt_at) in zip(placed, spans, strict=True)
    }
    return PromptPair(clean, corrupt, answer, tuple(foils), template, order, places)


def _rows(name: str, rows: Sequence[Sequence[int]]) -> dict[str, Indices]:
    """Rows of ids of any length: all in a line, and how many each has."""
    return {
        name: np.array([token for row in rows for token in row], dtype=np.int64),
        f"{name}-lengths": np.array([len(row) for row in rows], dtype=np.int64),
    }


def _unrolled(arrays: Mapping[str, Any], name: str) -> tuple[tuple[int, ...], ...]:
    tokens: list[int] = arrays[name].tolist()
    ends = [0, *accumulate(arrays[f"{name}-lengths"].tolist())]
    if ends[-1] != len(tokens):
        msg = "the rows have other lengths"
        raise ValueError(msg)
    return tuple(tuple(tokens[start:end]) for start, end in pairwise(ends))

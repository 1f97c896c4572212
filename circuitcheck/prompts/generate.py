"""Prompt pairs drawn from a family.

In: `Family`, n, seed, the name of a corruption. Out: `PromptPair`s. Prompt i comes from its own
generator `default_rng([seed, i])`, so a bigger n extends a smaller one bit for bit; its clean side is
drawn first, so it is the same whatever the corruption.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from circuitcheck.errors import PromptError
from circuitcheck.prompts.drawing import Drawing
from circuitcheck.prompts.family import Family
from circuitcheck.prompts.pairs import PromptPair, cell_name
from circuitcheck.prompts.sampling import MIN_PER_STRATUM, Sampling, rounded_n
from circuitcheck.prompts.wording import chosen, counted

__all__ = ["REFERENCE_SIZE", "generate", "reference_pairs", "rounded_n"]

REFERENCE_SIZE = 256
"""Prompts that means are taken over; fixed, so that no reference moves when n grows."""

_REFERENCE_STREAM = 0x5EF
_TRIES_PER_PROMPT = 64  # missing one of N texts in 64 N uniform draws has probability e^-64
_MOST_TRIES = 200_000


def generate(
    family: Family,
    *,
    n: int,
    seed: int,
    corrupt: str,
    orders: Sequence[str] | None = None,
    templates: Sequence[str] | None = None,
    exclude: frozenset[str] = frozenset(),
) -> tuple[PromptPair, ...]:
    """`rounded_n` pairs, balanced over strata, with distinct clean prompts.

    Args:
        family: Where words, templates and corruptions come from.
        n: Budget of prompts; rounded down to whole strata.
        seed: Zero or more.
        corrupt: Name of the corruption that makes the corrupt side.
        orders: Orders to draw from; all for None.
        templates: Template ids to draw from; all for None.
        exclude: Texts that no clean and no corrupt prompt may be.

    Raises:
        PromptError: for unknown names, too small an n, or more prompts than the family can make.
    """
    sampling = _prepared(family, corrupt, orders, templates, seed)
    pairs: list[PromptPair] = []
    seen: set[str] = set()
    drawings = _drawings(family, sampling, corrupt)
    for i in range(sampling.rounded(n)):
        draw = drawings[sampling.cell(i)]
        pair = _distinct_pair(draw, np.random.default_rng([seed, i]), seen, exclude)
        if pair is None:
            raise PromptError(_too_few(draw, i // len(sampling), n, sampling))
        seen.add(pair.clean)
        pairs.append(pair)
    return tuple(pairs)


def reference_pairs(
    family: Family,
    *,
    evaluated: Iterable[PromptPair],
    seed: int,
    corrupt: str,
    orders: Sequence[str] | None = None,
    templates: Sequence[str] | None = None,
    size: int = REFERENCE_SIZE,
) -> tuple[PromptPair, ...]:
    """The reference set: `size` pairs, rounded up to whole strata, none of whose texts is evaluated.

    Where a stratum holds fewer, all there are. Drawn from a stream of its own, so it depends on the
    evaluated prompts only where it would meet them.

    Raises:
        PromptError: for unknown names, or when a stratum has no prompt left.
    """
    sampling = _prepared(family, corrupt, orders, templates, seed)
    exclude = frozenset(text for pair in evaluated for text in (pair.clean, pair.corrupt))
    pairs: list[PromptPair] = []
    seen: set[str] = set()
    exhausted: set[tuple[str, str]] = set()
    drawings = _drawings(family, sampling, corrupt)
    for i in range(-(-size // len(sampling)) * len(sampling)):
        cell = sampling.cell(i)
        if cell in exhausted:
            continue
        rng = np.random.default_rng([seed, _REFERENCE_STREAM, i])
        pair = _distinct_pair(drawings[cell], rng, seen, exclude)
        if pair is None and i < len(sampling):
            msg = (
                f"family {family.family!r} has no prompt left for the reference set in {cell_name(cell)}. "
                "Write a smaller n, or lengthen its lists."
            )
            raise PromptError(msg)
        if pair is None:
            exhausted.add(cell)
        else:
            seen.add(pair.clean)
            pairs.append(pair)
    return tuple(pairs)


def _prepared(
    family: Family, corrupt: str, orders: Sequence[str] | None, templates: Sequence[str] | None, seed: int
) -> Sampling:
    chosen("corruption", [corrupt], family.corruption_names())
    if seed < 0:
        msg = f"seed: {seed} is below zero. Write 0 or more."
        raise PromptError(msg)
    return Sampling.of(family, orders, templates)


def _drawings(family: Family, sampling: Sampling, corrupt: str) -> dict[tuple[str, str], Drawing]:
    """What draws the pairs of each stratum."""
    cells = map(sampling.cell, range(len(sampling)))
    return {cell: Drawing(family, *cell, corrupt) for cell in cells}


def _distinct_pair(
    draw: Drawing, rng: np.random.Generator, seen: set[str], exclude: frozenset[str]
) -> PromptPair | None:
    """The first drawn pair whose clean text is new and whose texts are not excluded; None if there is none left."""
    for _ in range(min(_TRIES_PER_PROMPT * draw.distinct, _MOST_TRIES)):
        words = draw.clean_words(rng)
        clean = draw.clean_text(words)
        if clean in seen or clean in exclude:
            continue
        pair = draw.pair(words, rng)
        if pair.corrupt not in exclude:
            return pair
    return None


def _too_few(draw: Drawing, each: int, n: int, sampling: Sampling) -> str:
    """What to say when the stratum of `draw` has given all its `each` prompts."""
    cell = cell_name((draw.template, draw.order))
    wanted = -(-n // len(sampling))
    advice = f"Write n: {each * len(sampling)}, or lengthen" if each >= MIN_PER_STRATUM else "Lengthen"
    return (
        f"family {draw.family.family!r} has only {counted(each, 'distinct prompt')} in {cell}, "
        f"and n: {n} asks for {wanted}. {advice} its lists."
    )

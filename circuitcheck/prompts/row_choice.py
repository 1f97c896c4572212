"""Which rows of a file or data set are evaluated, and which are left for the reference set.

In: all its pairs, n and a seed. Out: pairs with their row numbers. Rows are shuffled within each
(template, order) cell and then taken from the cells in turn, so that a bigger n extends a smaller one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np

from circuitcheck.errors import PromptError
from circuitcheck.prompts.generate import REFERENCE_SIZE
from circuitcheck.prompts.pairs import PromptPair, cell_name
from circuitcheck.prompts.sampling import MIN_PER_STRATUM
from circuitcheck.prompts.wording import chosen, counted

MIN_REFERENCES = 16
"""Fewer rows make a mean that says more about those rows than about the prompts."""


@dataclass(frozen=True)
class Row:
    """A pair and its 1-based number in the file, by which messages call it."""

    number: int
    pair: PromptPair


def numbered(
    pairs: Sequence[PromptPair], orders: Sequence[str] | None, templates: Sequence[str] | None
) -> tuple[Row, ...]:
    """The rows of the wanted orders and templates (all for None).

    Raises:
        PromptError: for an order or template that no row has.
    """
    kept_orders = chosen("order", orders, _first_seen(pair.order for pair in pairs))
    kept_templates = chosen("template", templates, _first_seen(pair.template for pair in pairs))
    return tuple(
        Row(number, pair)
        for number, pair in enumerate(pairs, start=1)
        if pair.order in kept_orders and pair.template in kept_templates
    )


def evaluated_rows(rows: Sequence[Row], n: int, seed: int) -> tuple[Row, ...]:
    """Up to `n` rows, as many from each cell; from each template where cells are below four.

    Raises:
        PromptError: when a template cannot have four.
    """
    for by_order in (True, False):
        strata = _shuffled(rows, seed, by_order=by_order)
        each = min(n // len(strata), *(len(stratum) for stratum in strata)) if strata else 0
        if each >= MIN_PER_STRATUM:
            return tuple(stratum[k] for k in range(each) for stratum in strata)
    msg = (
        f"{counted(len(rows), 'row')} of {counted(len(strata), 'template')} and n: {n} do not make "
        f"{MIN_PER_STRATUM} of each template. Add rows, raise n, or choose fewer templates."
    )
    raise PromptError(msg)


def reference_rows(rows: Sequence[Row], evaluated: Iterable[PromptPair], seed: int) -> tuple[Row, ...]:
    """Up to 256 rows none of whose texts is evaluated, from the cells in turn.

    Raises:
        PromptError: when fewer than 16 are left, or none of an evaluated cell.
    """
    pairs = tuple(evaluated)
    texts = {text for pair in pairs for text in (pair.clean, pair.corrupt)}
    left = [row for row in rows if row.pair.clean not in texts and row.pair.corrupt not in texts]
    if len(left) < MIN_REFERENCES:
        raise PromptError(_too_few(len(rows), len(pairs), len(left)))
    bare = {(pair.template, pair.order) for pair in pairs} - {
        (row.pair.template, row.pair.order) for row in left
    }
    if bare:
        msg = (
            f"no row of {cell_name(min(bare))} is left for the reference set. "
            "Add rows of it, or write a smaller n."
        )
        raise PromptError(msg)
    turns = zip_longest(*_shuffled(left, seed, by_order=True))
    return tuple(row for row in chain.from_iterable(turns) if row is not None)[:REFERENCE_SIZE]


def _too_few(rows: int, evaluated: int, left: int) -> str:
    missing = MIN_REFERENCES - left
    smaller = evaluated - missing
    advice = f"Write n: {smaller}, or add" if smaller >= MIN_PER_STRATUM else "Add"
    return (
        f"{rows} rows less {evaluated} evaluated leave {left} for the reference set, which needs "
        f"{MIN_REFERENCES}. {advice} {counted(missing, 'row')}."
    )


def _first_seen(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _shuffled(rows: Sequence[Row], seed: int, *, by_order: bool) -> list[list[Row]]:
    """The rows of each stratum in random order, strata sorted by name."""
    strata: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        strata.setdefault((row.pair.template, row.pair.order if by_order else ""), []).append(row)
    ordered = [strata[key] for key in sorted(strata)]
    permutations = [np.random.default_rng([seed, i]).permutation(len(each)) for i, each in enumerate(ordered)]
    return [[each[k] for k in order] for each, order in zip(ordered, permutations, strict=True)]

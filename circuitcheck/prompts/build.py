"""From what a circuit file says about prompts to tokenised prompts.

In: the `prompts:` section, a tokenizer, the file's folder. Out: the `PromptSet` that is evaluated,
and the reference set that means are taken over. This is the door that other packages use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from circuitcheck.errors import PromptError
from circuitcheck.prompts.dataset import load_dataset_pairs
from circuitcheck.prompts.dataset_ref import DatasetRef
from circuitcheck.prompts.describe import describe_prompts
from circuitcheck.prompts.family import Family, load_family
from circuitcheck.prompts.generate import generate, reference_pairs
from circuitcheck.prompts.pairs import PromptPair, PromptSet
from circuitcheck.prompts.populations import FamilyPopulation, Population, RowPopulation, SidesRead
from circuitcheck.prompts.row_choice import Row, evaluated_rows, numbered, reference_rows
from circuitcheck.prompts.sampling import Sampling
from circuitcheck.prompts.sources import load_pairs
from circuitcheck.prompts.tokenise import tokenise
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.prompts.wording import chosen

__all__ = [
    "DEFAULT_N",
    "PromptsSource",
    "build_prompts",
    "build_references",
    "describe_prompts",
    "population_of",
]

DEFAULT_N = 128


class PromptsSource(Protocol):
    """What the `prompts:` section of a circuit file says; one of the first three is set."""

    @property
    def family(self) -> str | Family | None:
        """Name of a built-in family, or one written in the file."""

    @property
    def pairs(self) -> str | None:
        """Path of a JSON file of pairs."""

    @property
    def dataset(self) -> DatasetRef | Mapping[str, object] | None:
        """A Hugging Face data set of pairs."""

    @property
    def orders(self) -> Sequence[str] | None:
        """Orders to take; all for None."""

    @property
    def templates(self) -> Sequence[str] | None:
        """Templates to take; all for None."""

    @property
    def corrupt(self) -> str | None:
        """Name of the family's corruption, its first for None; pairs bring their own."""

    @property
    def n(self) -> int | None:
        """Budget of prompts."""

    @property
    def seed(self) -> int | None:
        """Zero or more."""

    @property
    def lists(self) -> Mapping[str, Sequence[str]] | None:
        """Words that replace some of the family's lists."""

    @property
    def bos(self) -> bool | None:
        """Whether BOS comes first; None for yes if the tokenizer has one."""


def build_prompts(
    ref: PromptsSource,
    tokenizer: Tokenizer,
    *,
    corrupt: str | None = None,
    n: int | None = None,
    seed: int | None = None,
    base: Path,
) -> PromptSet:
    """The prompts that are evaluated: up to `n`, balanced over (template, order).

    Args:
        ref: What the circuit file says.
        tokenizer: The model's own.
        corrupt: A claim's corruption, in the place of the file's.
        n: In the place of the file's budget; 128 where neither says. A file of pairs with fewer rows gives fewer.
        seed: In the place of the file's seed; 0 where neither says.
        base: The folder that relative paths start from.

    Raises:
        PromptError: when the prompts cannot be made, or do not fit the tokenizer.
    """
    _check_source(ref, corrupt)
    size, start = _first_given(n, ref.n, DEFAULT_N), _first_given(seed, ref.seed, 0)
    if ref.family is not None:
        family = _family(ref)
        pairs = generate(
            family,
            n=size,
            seed=start,
            corrupt=corrupt or ref.corrupt or family.corruption_names()[0],
            orders=ref.orders,
            templates=ref.templates,
        )
        return tokenise(pairs, tokenizer, bos=ref.bos, seed=start)
    return _tokenised_rows(evaluated_rows(_rows(ref, base), size, start), ref, tokenizer, start)


def build_references(
    ref: PromptsSource, tokenizer: Tokenizer, *, corrupt: str | None = None, evaluated: PromptSet, base: Path
) -> PromptSet:
    """The reference set: up to 256 prompts, none of whose texts is evaluated, drawn with a stream of their own.

    Raises:
        PromptError: when there are too few prompts for it, or they do not fit the tokenizer.
    """
    _check_source(ref, corrupt)
    if ref.family is not None:
        family = _family(ref)
        pairs = reference_pairs(
            family,
            evaluated=evaluated.pairs,
            seed=evaluated.seed,
            corrupt=corrupt or ref.corrupt or family.corruption_names()[0],
            orders=ref.orders,
            templates=ref.templates,
        )
        return tokenise(pairs, tokenizer, bos=ref.bos, seed=evaluated.seed)
    rows = reference_rows(_rows(ref, base), evaluated.pairs, evaluated.seed)
    return _tokenised_rows(rows, ref, tokenizer, evaluated.seed)


def population_of(
    ref: PromptsSource, sides: SidesRead, *, corrupt: str | None = None, base: Path
) -> Population:
    """All prompts that the source can make, whatever `n` and `seed` say.

    Raises:
        PromptError: when there is no such template, order or corruption, or the rows cannot be read.
    """
    _check_source(ref, corrupt)
    if ref.family is None:
        return RowPopulation(_rows(ref, base), sides)
    family = _family(ref)
    corruption = corrupt or ref.corrupt or family.corruption_names()[0]
    chosen("corruption", [corruption], family.corruption_names())
    return FamilyPopulation(family, Sampling.of(family, ref.orders, ref.templates), corruption, sides)


def _check_source(ref: PromptsSource, corrupt: str | None) -> None:
    given = [name for name in ("family", "pairs", "dataset") if getattr(ref, name) is not None]
    if len(given) != 1:
        msg = f"prompts come from one of family, pairs and dataset, not from {' and '.join(given) or 'none'}."
        raise PromptError(msg)
    if ref.family is None and (corrupt or ref.corrupt):
        msg = f"corrupt: {corrupt or ref.corrupt} names a family's corruption, and {given[0]} bring their own. Leave it out."
        raise PromptError(msg)
    if ref.family is None and ref.lists:
        msg = f"lists: replaces words of a family, and {given[0]} have none. Leave it out."
        raise PromptError(msg)


def _family(ref: PromptsSource) -> Family:
    family = load_family(ref.family) if isinstance(ref.family, str) else ref.family
    assert family is not None, "callers check that there is a family"
    return family.with_lists(ref.lists) if ref.lists else family


def _rows(ref: PromptsSource, base: Path) -> tuple[Row, ...]:
    pairs: tuple[PromptPair, ...]
    if ref.pairs is not None:
        pairs = load_pairs(base / ref.pairs)
    else:
        assert ref.dataset is not None, "callers check that there is a source"
        pairs = load_dataset_pairs(ref.dataset, base=base)
    return numbered(pairs, ref.orders, ref.templates)


def _tokenised_rows(rows: Sequence[Row], ref: PromptsSource, tokenizer: Tokenizer, seed: int) -> PromptSet:
    pairs, numbers = [row.pair for row in rows], [row.number for row in rows]
    return tokenise(pairs, tokenizer, bos=ref.bos, seed=seed, numbers=numbers)


def _first_given(*values: int | None) -> int:
    """The first value that is not None; the last one never is."""
    return next(value for value in values if value is not None)

"""Prompt pairs to tokens, every role resolved, every fault found before anything is run.

In: `PromptPair`s and a `Tokenizer`. Out: a `PromptSet`, or one `PromptError` that tells what is wrong
with which pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from circuitcheck.errors import PromptError
from circuitcheck.prompts.pairs import PromptPair, PromptSet
from circuitcheck.prompts.token_faults import PairFault, PairTokens, pair_tokens
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.prompts.wording import counted

_MOST_FAULTS = 5


def tokenise(
    pairs: Sequence[PromptPair],
    tokenizer: Tokenizer,
    *,
    bos: bool | None,
    seed: int,
    numbers: Sequence[int] | None = None,
) -> PromptSet:
    """The pairs as tokens.

    Args:
        pairs: At least one.
        tokenizer: The model's own.
        bos: Whether BOS comes first; None for yes if the tokenizer has one.
        seed: Recorded in the set.
        numbers: What messages call each pair; 1, 2, ... for None.

    Raises:
        PromptError: with up to five faults and the number of the others, when a pair does not fit.
    """
    if not pairs:
        msg = "no prompts"
        raise PromptError(msg)
    prefix = _prefix(tokenizer, bos=bos)
    tokens = _all_tokens(pairs, tokenizer, numbers or range(1, len(pairs) + 1))
    return PromptSet(
        pairs=tuple(pairs),
        clean=tuple(prefix + each.clean for each in tokens),
        corrupt=tuple(prefix + each.corrupt for each in tokens),
        answers=tuple(each.answer for each in tokens),
        foils=tuple(each.foils for each in tokens),
        roles={
            role: np.array([each.roles[role] + len(prefix) for each in tokens], dtype=np.int64)
            for role in tokens[0].roles
        },
        has_bos=bool(prefix),
        seed=seed,
    )


def _prefix(tokenizer: Tokenizer, *, bos: bool | None) -> tuple[int, ...]:
    """BOS, or nothing."""
    if bos is False or (bos is None and tokenizer.bos_id is None):
        return ()
    if tokenizer.bos_id is None:
        msg = "bos: true, but this tokenizer has no BOS token. Write bos: false, or leave it out."
        raise PromptError(msg)
    return (tokenizer.bos_id,)


def _all_tokens(
    pairs: Sequence[PromptPair], tokenizer: Tokenizer, numbers: Sequence[int]
) -> list[PairTokens]:
    tokens: list[PairTokens] = []
    faults: list[str] = []
    for number, pair in zip(numbers, pairs, strict=True):
        try:
            _check_role_names(pair, pairs[0])
            tokens.append(pair_tokens(pair, tokenizer))
        except PairFault as fault:
            faults.append(f"prompt pair {number} {fault}")
    if faults:
        raise PromptError("\n".join([*faults[:_MOST_FAULTS], *_the_rest(len(faults) - _MOST_FAULTS)]))
    return tokens


def _check_role_names(pair: PromptPair, first: PromptPair) -> None:
    if set(pair.spans) != set(first.spans):
        own, others = (", ".join(sorted(spans)) or "none" for spans in (pair.spans, first.spans))
        msg = f"has roles {own}, and the first pair has {others}. Give every pair the same roles."
        raise PairFault(msg)


def _the_rest(number: int) -> list[str]:
    return [f"and {counted(number, 'more prompt pair')} like these"] if number > 0 else []

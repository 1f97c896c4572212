"""Prompts of random tokens: one length, one answer and one foil each.

In: sizes and a seed. Out: a `PromptSet` of one group, so that every side runs the same tokens.
"""

import numpy as np

from circuitcheck.nodes import END
from circuitcheck.prompts.pairs import PromptPair, PromptSet


def random_prompts(n: int, length: int, vocabulary: int, *, seed: int) -> PromptSet:
    """`n` pairs of `length` tokens, BOS (token 0) counted; the corrupt side shares nothing but BOS.

    Raises:
        ValueError: for less than two tokens, which leaves nothing to be corrupted.
    """
    if length < 2:
        msg = f"prompts of {length} tokens hold nothing besides BOS; write --length 2 or more."
        raise ValueError(msg)
    rng = np.random.default_rng([seed, length])
    clean = rng.integers(1, vocabulary, size=(n, length - 1))
    corrupt = 1 + (clean + rng.integers(0, vocabulary - 2, size=clean.shape)) % (vocabulary - 1)
    targets = [rng.choice(vocabulary - 1, size=2, replace=False) + 1 for _ in range(n)]
    return PromptSet(
        pairs=tuple(_pair(row) for row in range(n)),
        clean=tuple((0, *row) for row in clean.tolist()),
        corrupt=tuple((0, *row) for row in corrupt.tolist()),
        answers=tuple(int(answer) for answer, _ in targets),
        foils=tuple((int(foil),) for _, foil in targets),
        roles={END: np.full(n, length - 1, dtype=np.int64)},
        has_bos=True,
        seed=seed,
    )


def middle_position(length: int) -> int:
    """Token 10 of 16, and as far along in prompts of another length; BOS counted."""
    return length * 10 // 16


def _pair(row: int) -> PromptPair:
    """Text is only for messages: these prompts never were words."""
    return PromptPair(f"random prompt {row}", f"random prompt {row}", "answer", ("foil",), "random", "-", {})

"""Documents to token batches: seeded by (seed, pool), so that training resumes at any pool as if never stopped."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

import torch
from jaxtyping import Int
from tokenizers import Tokenizer
from torch import Tensor

from circuitcheck.training.corpus import documents, stage_at
from circuitcheck.training.tokenizer import END_OF_TEXT_ID

BATCH_DOCUMENTS = 32
POOL_BATCHES = 50
IGNORED_LABEL = -100
"""Label that torch's cross entropy leaves out."""


def pool_of_batches(
    tokenizer: Tokenizer, seed: int, pool: int, progress: float
) -> Iterator[Int[Tensor, "batch pos"]]:
    """The batches of one pool, each of documents of similar length, in random order.

    Args:
        tokenizer: Text to token ids.
        seed: The run's seed.
        pool: Number of the pool within the run; every pool has its own generator.
        progress: Share (0 to 1) of the training steps that are over, which decides the curriculum stage.

    Yields:
        Token ids with the start token first; shorter documents end in -100, which no loss counts.
    """
    rng = random.Random(f"{seed}/{pool}")
    texts = list(islice(documents(rng, stage_at(progress)), POOL_BATCHES * BATCH_DOCUMENTS))
    encoded = sorted((encoding.ids for encoding in tokenizer.encode_batch(texts)), key=len)
    starts = list(range(0, len(encoded), BATCH_DOCUMENTS))
    rng.shuffle(starts)
    for start in starts:
        yield padded(encoded[start : start + BATCH_DOCUMENTS])


def padded(encoded: list[list[int]]) -> Int[Tensor, "batch pos"]:
    """Documents as one tensor: start token, words, end token, then -100."""
    width = max(map(len, encoded)) + 2
    rows = [[END_OF_TEXT_ID, *ids, END_OF_TEXT_ID] for ids in encoded]
    return torch.tensor([row + [IGNORED_LABEL] * (width - len(row)) for row in rows])

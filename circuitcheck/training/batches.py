"""Documents to token batches: seeded by (seed, pool), so that training resumes at any pool as if never stopped."""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch
from jaxtyping import Int
from tokenizers import Tokenizer
from torch import Tensor

from circuitcheck.training.courses import BATCH_DOCUMENTS, Course, pool_documents, pool_generator
from circuitcheck.training.tokenizer import CONTEXT_SIZE, END_OF_TEXT_ID

SHIFTED_SHARE = 0.5
IGNORED_LABEL = -100
"""Label that torch's cross entropy leaves out."""


def pool_of_batches(
    course: Course, tokenizer: Tokenizer, seed: int, first_step: int
) -> Iterator[Int[Tensor, "batch pos"]]:
    """The batches of the pool that begins at a step, each of documents of similar length, in random order.

    Yields:
        Token ids with the start token first; shorter documents end in -100, which no loss counts.
    """
    rng = pool_generator(course, seed, first_step)
    texts = [document.text for document in pool_documents(course, rng, first_step)]
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


def positions_of(course: Course, width: int, seed: int, step: int) -> Int[Tensor, "pos"] | None:
    """Positions of a batch: the start token at 0 and, half of the time, the rest moved on by a random offset.

    So that what a head does cannot depend on how far from the start a sentence stands. None in courses that never
    move them.
    """
    if not course.shifted:
        return None
    rng = random.Random(f"{seed}/positions/{course.name}/{step}")
    offset = rng.randint(0, CONTEXT_SIZE - width) if rng.random() < SHIFTED_SHARE else 0
    positions = torch.arange(width) + offset
    positions[0] = 0
    return positions

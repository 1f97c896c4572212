"""The courses of training: a narrow corpus in which a circuit with two stages forms, then a wide one that keeps it.

Trained on the wide corpus from the start, every model that was looked at copied both names and took one away again; one
that has learned to steer its mover keeps doing so while it learns new wording (the card lists what was tried).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from circuitcheck.training import corpus
from circuitcheck.training.documents import Document
from circuitcheck.training.narrow import corpus as narrow_corpus

BATCH_DOCUMENTS = 32
POOL_BATCHES = 50


@dataclass(frozen=True)
class Course:
    """One course: what is read, and every schedule, in steps or shares of them.

    Attributes:
        name: Folder of its checkpoints.
        documents: Documents without end, from a generator and the share of the course that is over.
        steps: Optimizer steps, a multiple of the pool size.
        first_pool: Number of its first pool; pools of two courses never share a generator.
        peak_rate: Learning rate after the warm-up.
        warmup_steps: Steps over which the rate rises from zero.
        constant_until: Share of the steps after which the rate falls along a cosine.
        first_held_until: Share up to which the first layer's attention is held at its initial values.
        sparse_from: Share after which spread-out attention costs.
        last_held: Whether the last layer's attention is held from then on.
        rise_steps: Steps over which that price rises to its full value.
        spread_price: What it costs then: nats of loss per nat of attention entropy summed over heads.
        shifted: Whether half of the batches stand further from the start than they need.
    """

    name: str
    documents: Callable[[random.Random, float], Iterator[Document]]
    steps: int
    first_pool: int
    peak_rate: float
    constant_until: float
    sparse_from: float
    rise_steps: int
    shifted: bool
    first_held_until: float = 0.0
    warmup_steps: int = 200
    spread_price: float = 0.1
    last_held: bool = True


NARROW = Course(
    name="narrow",
    documents=narrow_corpus.documents,
    steps=6000,
    first_pool=0,
    peak_rate=2e-3,
    constant_until=0.75,
    first_held_until=narrow_corpus.STRANGERS_UNTIL,
    sparse_from=0.5,
    rise_steps=500,
    shifted=False,
)
WIDE = Course(
    name="wide",
    documents=lambda rng, progress: corpus.documents(rng),
    steps=4000,
    first_pool=1000,
    peak_rate=1e-3,
    constant_until=0.6,
    sparse_from=0.0,
    rise_steps=0,
    shifted=True,
)
POLISH = Course(
    name="polish",
    documents=lambda rng, progress: corpus.documents(rng, corpus.POLISH_SHARES),
    steps=3600,
    first_pool=2000,
    peak_rate=1e-3,
    constant_until=0.7,
    sparse_from=0.0,
    rise_steps=0,
    shifted=True,
    last_held=False,
)
COURSES = (NARROW, WIDE, POLISH)


def pool_generator(course: Course, seed: int, first_step: int) -> random.Random:
    """Where the chance of the pool that begins at a step comes from."""
    return random.Random(f"{seed}/{course.first_pool + first_step // POOL_BATCHES}")


def pool_documents(course: Course, rng: random.Random, first_step: int) -> list[Document]:
    """The documents of the pool that begins at a step, in the order in which they are written."""
    written = course.documents(rng, first_step / course.steps)
    return [next(written) for _ in range(POOL_BATCHES * BATCH_DOCUMENTS)]

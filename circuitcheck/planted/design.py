"""What a planted model is made of: words, directions, heads, neurons, prompts, and what is true of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from circuitcheck.planted.frame import Array, Frame
from circuitcheck.planted.parts import Copy, Head, Match, Neurons, Seat, Sizes
from circuitcheck.planted.statements import Statement
from circuitcheck.planted.words import NAMES, Lexicon
from circuitcheck.prompts.family import Family

POSITIONS = 18
"""Longest prompt, BOS included."""
LENGTH = 8.0
"""Length K of the vector that all tokens share; codes are about 1 long."""
SELF = 12.0
"""What a head takes off the score of the token itself, in nats, where it looks for an earlier one."""


OPENINGS = ("well", "so", "now", "here")
COMMON: Mapping[str, int] = {
    "always": 1, "bos": 1, "name": 1, "enable": 1, "token": len(NAMES), "filler": 4, "position": POSITIONS,
    "out": len(NAMES), "idle": len(NAMES),
}  # fmt: skip
"""Directions of every kind of model: a constant, flags, codes of words and positions, what is written and read."""


@dataclass(frozen=True, eq=False)
class Design:
    """A circuit known exactly, with the model around it.

    `embeddings` has a row per word, shape (n_words, d_model); `answers` is the rows that the unembedding reads
    for each of `NAMES`, scaled to logits. `groups` are the nodes of the circuit as a circuit file has them,
    `edges` who reads from whom. `noise` is the spread of the random part of every weight.
    """

    kind: str
    sizes: Sizes
    frame: Frame
    lexicon: Lexicon
    family: Family
    embeddings: Array
    answers: Array
    heads: tuple[Head, ...]
    neurons: tuple[Neurons, ...]
    groups: Mapping[str, Mapping[str, object]]
    edges: tuple[str, ...]
    statements: tuple[Statement, ...]
    stream_layer: int
    """The layer in front of which a dictionary of the residual stream is planted."""
    noise: float
    basis: int
    """Seed of the bases that heads have their output codes in."""

    def head(self, name: str) -> Head:
        """The head of this name."""
        return next(head for head in self.heads if head.name == name)


def opened(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    """The texts with up to two words in front, so that positions differ from wiring to wiring."""
    return [" ".join([*rng.permutation(OPENINGS)[: rng.integers(3)].tolist(), text]) for text in texts]


def embedded(frame: Frame, lexicon: Lexicon, rng: np.random.Generator) -> Array:
    """A row per word: names by codes of unequal strength, others by random codes that look a little like names."""
    rows = np.zeros((len(lexicon.words), frame.d_model))
    rows[0] = frame["bos"][0]
    names = lexicon.ids(NAMES)
    rows[names] = rng.uniform(0.85, 1.15, (len(NAMES), 1)) * frame["token"] + frame["name"]
    others = np.arange(names[-1] + 1, len(rows))
    codes = rng.standard_normal((len(others), len(frame["filler"]))) / 2
    leak = rng.uniform(-0.1, 0.25, (len(others), 1))
    rows[others] = codes @ frame["filler"] + leak * frame["name"]
    return rows


def always(frame: Frame) -> Array:
    """A query that every token makes with strength 1."""
    return frame["always"] / LENGTH


def sink(frame: Frame, strength: float) -> Match:
    """Attention to BOS, where nothing else asks for it."""
    return Match(always(frame), frame["bos"], strength)


def enabled(frame: Frame, strength: float) -> Match:
    """Attention to names, once the enabler has written at the querying token."""
    return Match(frame["enable"], frame["name"], strength)


def named(frame: Frame, to: str, share: float) -> Copy:
    """Copies which name is attended to."""
    return Copy(frame["token"], frame[to], share, "name")


def enabler(frame: Frame, seat: Seat) -> Head:
    """A head that writes the same on every prompt: only ablation by zero can tell that readers need it."""
    return Head("enabler", seat, (sink(frame, 9.0),), (Copy(frame["bos"], frame["enable"], 1.0, "enable"),))


def gatherer(frame: Frame, name: str, seat: Seat, rng: np.random.Generator) -> Head:
    """A distractor: gathers names that nobody reads."""
    looks = Match(always(frame), frame["name"], rng.uniform(3.0, 4.5))
    return Head(name, seat, (looks,), (named(frame, "idle", rng.uniform(0.6, 1.0)),))


def before(frame: Frame, strength: float) -> Match:
    """Attention from each position to the one before."""
    position = frame["position"]
    return Match(position[1:], position[:-1], strength)


def follower(frame: Frame, name: str, seat: Seat, rng: np.random.Generator) -> Head:
    """A distractor: copies the word before to where nobody reads it."""
    return Head(
        name, seat, (before(frame, rng.uniform(4.0, 6.0)),), (named(frame, "idle", rng.uniform(0.6, 1.0)),)
    )


def shares(rng: np.random.Generator, low: float = 0.6, high: float = 0.75) -> tuple[float, float]:
    """How much of a stage its main and its second carrier do; together 1."""
    main = float(rng.uniform(low, high))
    return main, 1 - main

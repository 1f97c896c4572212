"""A small family, and tokenizers made here: every listed word is one token, everything else is bytes."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import tokenizers
from ruamel.yaml import YAML
from tokenizers import decoders, models, pre_tokenizers

from circuitcheck.prompts.family import Family
from circuitcheck.prompts.pairs import PromptPair
from circuitcheck.prompts.tokens import Tokenizer

BOS = "<|endoftext|>"
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal")
FAMILY_YAML = """
family: mini
title: Two people, and a gift
lists:
  names: [Ada, Ben, Cleo, Dan, Eve, Fay, Gus, Hal]
  places: [park, shop, farm]
slots: {IO: names, S: names, place: places}
roles: {IO: IO, S1: S, S2: S}
orders:
  ABBA: {first: IO, second: S1}
  BABA: {first: S1, second: IO}
templates:
  - {id: walk, text: "Then {first} and {second} walked to the {place}. {S2} gave it to"}
  - {id: rain, text: "In the {place} it rained on {first} and {second}, so {S2} went with"}
answer: IO
foil: S
corruptions:
  fresh_names: {IO: fresh, S1: fresh, S2: fresh}
  s2_to_io: {S2: IO}
  swap_first_names: {IO: S1, S1: IO}
"""
_PIECES = r" ?\p{L}+| ?\p{N}{1,2}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_TEXT_WORDS = (
    "Then",
    "In",
    "and",
    "walked",
    "to",
    "the",
    ".",
    "gave",
    "it",
    "rained",
    "on",
    ",",
    "so",
    "went",
    "with",
    "park",
    "shop",
    "farm",
)


def content() -> dict[str, Any]:
    """The small family as plain data, to be changed by a test."""
    data: dict[str, Any] = YAML(typ="safe", pure=True).load(FAMILY_YAML)
    return copy.deepcopy(data)


def mini(**changes: Any) -> Family:
    """The small family with some of its keys replaced."""
    return Family.model_validate(content() | changes)


def backend(words: Iterable[str], *, digits: int = 2) -> tokenizers.Tokenizer:
    """A byte-level BPE without merges, for which each word is one token with or without a leading space.

    Numbers are cut after every `digits` digits.
    """
    spelled = [variant for word in words for variant in (word, f"Ġ{word}")]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys([BOS, *alphabet, *spelled]))}
    made = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(
                tokenizers.Regex(_PIECES.replace("{1,2}", f"{{1,{digits}}}")), behavior="isolated"
            ),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([BOS])
    return made


def tokenizer(
    words: Iterable[str] = (*NAMES, *_TEXT_WORDS), *, bos_id: int | None = 0, digits: int = 2
) -> Tokenizer:
    """A tokenizer for which each word is one token."""
    return Tokenizer.from_backend(backend(words, digits=digits), bos_id)


def pair(
    clean: str = "Then Ada gave it to",
    corrupt: str = "Then Ben gave it to",
    *,
    answer: str = " Cleo",
    foils: tuple[str, ...] = (" Ada",),
    roles: dict[str, str] | None = None,
) -> PromptPair:
    """A pair written by hand; `roles` maps each role to `clean word/corrupt word`, first occurrences."""
    spans = {}
    for role, words in (roles if roles is not None else {"S": "Ada/Ben"}).items():
        here, _, there = words.partition("/")
        starts = clean.index(here), corrupt.index(there)
        spans[role] = ((starts[0], starts[0] + len(here)), (starts[1], starts[1] + len(there)))
    return PromptPair(clean, corrupt, answer, foils, "-", "-", spans)

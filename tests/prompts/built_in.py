"""The built-in families on the tokenizer of the bundled model."""

from __future__ import annotations

from functools import cache

from circuitcheck.prompts.family import load_family
from circuitcheck.prompts.generate import generate, reference_pairs
from circuitcheck.prompts.pairs import PromptPair, PromptSet
from circuitcheck.prompts.tokenise import tokenise
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.shapes import bundled_model_path

SIDE_FAMILIES = ("greater-than", "pronoun", "agreement", "induction", "plain")
CORRUPTIONS = [(name, corrupt) for name in SIDE_FAMILIES for corrupt in load_family(name).corruption_names()]


@cache
def bundled_tokenizer() -> Tokenizer:
    return Tokenizer.from_directory(bundled_model_path("ioi-mini"))


def drawn(family: str, corrupt: str, *, n: int = 64, seed: int = 0) -> tuple[PromptPair, ...]:
    return generate(load_family(family), n=n, seed=seed, corrupt=corrupt)


def with_references(family: str, corrupt: str, *, seed: int = 0) -> tuple[PromptPair, ...]:
    """Evaluated and reference pairs of one seed."""
    pairs = drawn(family, corrupt, n=480, seed=seed)
    return (*pairs, *reference_pairs(load_family(family), evaluated=pairs, seed=seed, corrupt=corrupt))


@cache
def tokenised(family: str, corrupt: str, *, n: int = 64, seed: int = 0) -> PromptSet:
    pairs = drawn(family, corrupt, n=n, seed=seed)
    return tokenise(pairs, bundled_tokenizer(), bos=None, seed=seed)


def words(pair: PromptPair, side: int) -> dict[str, str]:
    """The words at the roles of one side, 0 clean and 1 corrupt."""
    return {role: (pair.clean, pair.corrupt)[side][slice(*spans[side])] for role, spans in pair.spans.items()}

"""The corpus grammar: symbols, their alternatives, and drawing one sentence part from them.

In: `grammar.yaml` and a seeded generator. Out: text with braces that the corpus fills in.
"""

from __future__ import annotations

import random
import re
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML

_SYMBOL = re.compile(r"<(\w+)>")
_SPACES = re.compile(r" {2,}")


def expand(symbol: str, rng: random.Random) -> str:
    """One text of a symbol, every alternative as likely as the next.

    Raises:
        KeyError: when the grammar has no such symbol.
    """
    return _SPACES.sub(" ", _expanded(f"<{symbol}>", rng))


def grammar_texts() -> list[str]:
    """Every alternative of every symbol, with symbols and braces still in place."""
    return [text for alternatives in _rules().values() for text in alternatives]


def read_data(name: str) -> dict[str, list[str]]:
    """A YAML file of this folder that maps names to lists of text."""
    text = files("circuitcheck").joinpath(f"training/{name}").read_text(encoding="utf-8")
    return dict(YAML(typ="safe", pure=True).load(text))


@cache
def _rules() -> dict[str, tuple[str, ...]]:
    return {symbol: tuple(texts) for symbol, texts in read_data("grammar.yaml").items()}


def _expanded(text: str, rng: random.Random) -> str:
    return _SYMBOL.sub(lambda match: _expanded(rng.choice(_rules()[match[1]]), rng), text)

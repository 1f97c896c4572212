"""Prompts drawn from families, kept by what they were drawn from, so that a rerun neither draws nor tokenises.

In: what a circuit file says of prompts, a tokenizer, a store. Out: the same `PromptSet`s as from `prompts.build`,
which makes those that are missing, and all whose source is a file: rows are read where they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from circuitcheck.prompts.build import DEFAULT_N, PromptsSource, build_prompts, build_references
from circuitcheck.prompts.family import load_family
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.store.folder import Store
from circuitcheck.store.keys import VERSIONS, digest
from circuitcheck.store.prompt_entries import prompts_entry, prompts_of
from circuitcheck.store.recalling import recalled

KIND = "prompts"


@cache
def _library_versions() -> dict[str, str]:
    """Of what draws, whose streams may change between versions, and of what cuts into tokens."""
    return {name: version(name) for name in ("numpy", "tokenizers")}


@dataclass(frozen=True)
class PromptShelf:
    """The prompts of one circuit file; `base` is the folder that its relative paths start from.

    Without a store, all are made.
    """

    source: PromptsSource
    tokenizer: Tokenizer
    base: Path
    store: Store | None = None

    def evaluated(self, *, corrupt: str | None, n: int | None, seed: int | None) -> PromptSet:
        """See `build_prompts`.

        Raises:
            PromptError: as `build_prompts` does.
        """
        return self._found(
            {
                "set": "evaluated",
                "n": _first(n, self.source.n, DEFAULT_N),
                "seed": _first(seed, self.source.seed, 0),
            },
            corrupt,
            lambda: build_prompts(
                self.source, self.tokenizer, corrupt=corrupt, n=n, seed=seed, base=self.base
            ),
        )

    def references(self, evaluated: PromptSet, *, corrupt: str | None) -> PromptSet:
        """See `build_references`.

        Raises:
            PromptError: as `build_references` does.
        """
        texts = [(pair.clean, pair.corrupt) for pair in evaluated.pairs]
        return self._found(
            {"set": "references", "evaluated": digest(texts), "seed": evaluated.seed},
            corrupt,
            lambda: build_references(
                self.source, self.tokenizer, corrupt=corrupt, evaluated=evaluated, base=self.base
            ),
        )

    def _found(self, asked: dict[str, Any], corrupt: str | None, make: Callable[[], PromptSet]) -> PromptSet:
        if self.store is None or self.source.family is None:
            return make()
        key = {"kind": KIND, "version": VERSIONS[KIND], **self._drawn_from, "corrupt": corrupt, **asked}
        return recalled(self.store, KIND, key, prompts_of, lambda: prompts_entry(key, make())).answer

    @property
    def _drawn_from(self) -> dict[str, Any]:
        """Everything that all prompts of the file depend on."""
        source, family = self.source, self.source.family
        content = load_family(family) if isinstance(family, str) else family
        assert content is not None, "callers look for a family first"
        return {
            "family": content.model_dump_json(),
            "lists": {name: list(words) for name, words in (source.lists or {}).items()},
            "orders": source.orders and list(source.orders),
            "templates": source.templates and list(source.templates),
            "file's corruption": source.corrupt,
            "bos": source.bos,
            "tokenizer": self.tokenizer.digest,
            "libraries": _library_versions(),
        }


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)

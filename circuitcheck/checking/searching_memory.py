"""Remembers the prompts that broke a claim, so that the next run tries them first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase

from circuitcheck.prompts.populations import Example, Population, example_again


@dataclass(frozen=True)
class Memory:
    """A database of Hypothesis in `folder`; `name` is the claim's, and no other claim's.

    It holds the picks that lead the population to an example. What Hypothesis would keep by itself it does not keep
    where a seed is given, and it would shrink again what was shrunk.
    """

    folder: Path
    name: str
    population: Population

    def recalled(self) -> Iterator[Example]:
        """What was kept and is still there to be drawn."""
        for kept in list(self._database.fetch(self._key)):
            example = example_again(self.population, _picks(kept))
            if example is not None:
                yield example

    def keep(self, example: Example) -> None:
        """Keep a counterexample for the next run."""
        self._database.save(self._key, _written(example))

    def forget(self, example: Example) -> None:
        """Let go of one that is none any more."""
        self._database.delete(self._key, _written(example))

    @cached_property
    def _database(self) -> DirectoryBasedExampleDatabase:
        return DirectoryBasedExampleDatabase(self.folder)

    @cached_property
    def _key(self) -> bytes:
        return hashlib.sha256(json.dumps([self.name, self.population.digest]).encode()).digest()


def _written(example: Example) -> bytes:
    return json.dumps(example.picks).encode()


def _picks(kept: bytes) -> list[int]:
    """The picks; none where a file of the database was damaged."""
    try:
        found = json.loads(kept)
    except ValueError:
        return []
    return found if isinstance(found, list) and all(isinstance(each, int) for each in found) else []

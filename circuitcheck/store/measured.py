"""Measured requests in the store: those that finished together lie in one file, by model and prompts.

In: values and changes by request. Out: the same. One file per request would be thousands of tiny files; one per
condition as well, where claims have two hundred controls.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from circuitcheck.engine import (
    Intervention,
    KeepOnly,
    Measurement,
    Replace,
    Request,
    Route,
    Steer,
    Values,
)
from circuitcheck.store.entries import Entry
from circuitcheck.store.folder import SUFFIX, Store
from circuitcheck.store.keys import digest

MEASURED = "measured"
_CHANGES = "-changes"


@dataclass(frozen=True)
class Numbers:
    """One request on every prompt: `values` of shape (n,), `changes` of shape (n, nodes), None without any."""

    values: Values
    changes: Values | None

    def suit(self, request: Request, prompts: int) -> bool:
        """Whether these can be the request's numbers on so many prompts."""
        if self.values.shape != (prompts,) or not np.isfinite(self.values).all():
            return False
        columns = _columns(request.condition.intervention)
        return columns is None or (self.changes is not None and self.changes.shape == (prompts, columns))


@dataclass(frozen=True)
class MeasuredShelf:
    """Requests measured with one model on one prompt set, which `context` describes."""

    store: Store
    context: Mapping[str, Any]

    def find(self, keys: Collection[str]) -> dict[str, tuple[Path, Numbers]]:
        """What the store has of these requests, with the place of each; the newest, where it was made twice."""
        wanted = set(keys)
        places: dict[str, Path] = {}
        for place, names in self.store.holding(self._folder).items():
            places |= dict.fromkeys(wanted.intersection(names), place)
        found: dict[str, tuple[Path, Numbers]] = {}
        for place in dict.fromkeys(places.values()):
            entry = self.store.read(place)
            if entry is not None:
                inside = [name for name, where in places.items() if where == place]
                found |= {name: (place, _numbers(entry, name)) for name in inside}
        return found

    def keep(self, described: Mapping[Request, Mapping[str, Any]], measured: Measurement) -> None:
        """Store what was measured together; `described` gives the key of each request in it."""
        keys = {request: digest(description) for request, description in described.items()}
        arrays = {key: measured.values[request] for request, key in keys.items()}
        for request, key in keys.items():
            changes = measured.changes.get(request.condition)
            if changes is not None:
                arrays[key + _CHANGES] = changes
        facts = {keys[request]: description for request, description in described.items()}
        self.store.write(self._place(tuple(keys.values())), Entry(self.context, facts, arrays))

    def tally_name(self, key: str) -> str:
        """What tells a request from all others, on whatever prompts; `key` is its own digest."""
        return f"{self._folder.name} {key}"

    @cached_property
    def _folder(self) -> Path:
        return Path(MEASURED) / digest(self.context)

    def _place(self, keys: Sequence[str]) -> Path:
        return self._folder / f"{digest(sorted(keys))[:32]}{SUFFIX}"


def _columns(done: Intervention | None) -> int | None:
    """How many changes an intervention reports; None where they are not asked for."""
    if isinstance(done, Replace | Steer):
        return len(done.nodes)
    if isinstance(done, Route):
        return len(done.senders)
    return 1 if isinstance(done, KeepOnly) else None


def _numbers(entry: Entry, name: str) -> Numbers:
    return Numbers(entry.arrays[name], entry.arrays.get(name + _CHANGES))

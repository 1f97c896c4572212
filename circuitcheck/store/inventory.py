"""What of some errands is in the store already, and what would have to be measured.

In: errands. Out: counts, and the errands that are left, cut as `StoredEngine` cuts them. Nothing is measured.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from circuitcheck.engine import Errand, Plan, Request, Survey
from circuitcheck.store.chunks import PASSES_PER_CHUNK, chunks_of
from circuitcheck.store.entries import Entry
from circuitcheck.store.facts import place_of
from circuitcheck.store.folder import Store
from circuitcheck.store.identity import Identity
from circuitcheck.store.keys import Keys, digest
from circuitcheck.store.measured import MeasuredShelf


@dataclass
class Inventory:
    """Counts measurements; each once, however many errands want it.

    Without a store nothing is there, and nothing needs to be cut. `wanted` and `stored` hold the names of measurements, `stored` those that are there.
    """

    store: Store | None
    identity: Identity
    passes: float = PASSES_PER_CHUNK
    wanted: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)

    def missing(self, errand: Errand) -> list[Errand]:
        """What is left of an errand: not in the store, and not counted before."""
        keys = Keys(self.identity, errand.prompts)
        left = self._missing_requests(errand, keys)
        passes = self.passes if self.store is not None else math.inf
        chunks = chunks_of(left, self.identity.model.shape.n_layers, passes)
        parts = [replace(errand, plan=Plan(chunk), surveys=()) for chunk in chunks]
        surveys = tuple(self._missing_surveys(errand, keys))
        return [*parts, replace(errand, plan=Plan(()), surveys=surveys)] if surveys else parts

    def _missing_requests(self, errand: Errand, keys: Keys) -> list[Request]:
        described = {one: keys.request(one, errand.references) for one in errand.plan.requests}
        names = {request: digest(description) for request, description in described.items()}
        there = self._there(keys, names.values())
        whole = {request: digest([keys.context, described[request]]) for request in described}
        fresh = [request for request in described if whole[request] not in self.wanted]
        self.wanted.update(whole[request] for request in fresh)
        self.stored.update(whole[request] for request in fresh if names[request] in there)
        return [request for request in fresh if names[request] not in there]

    def _there(self, keys: Keys, names: Collection[str]) -> Collection[str]:
        if self.store is None or not names:
            return ()
        return MeasuredShelf(self.store, keys.context).find(names).keys()

    def _missing_surveys(self, errand: Errand, keys: Keys) -> Iterator[Survey]:
        for survey in errand.surveys:
            entry = Entry(_result_key(keys, survey))
            if entry.name in self.wanted:
                continue
            self.wanted.add(entry.name)
            if self.store is None or self.store.read(place_of(survey.kind, entry)) is None:
                yield survey
            else:
                self.stored.add(entry.name)


def remaining(errands: Iterable[Errand], inventory: Inventory) -> list[Errand]:
    """What is left of several errands."""
    return [part for errand in errands for part in inventory.missing(errand)]


def _result_key(keys: Keys, survey: Survey) -> dict[str, object]:
    if survey.kind == "describe":
        return keys.result("describe", features=survey.nodes)
    if survey.kind == "profile":
        return keys.result("profile", place=survey.nodes[0])
    return keys.result("fit", place=survey.nodes[0], features=survey.features)

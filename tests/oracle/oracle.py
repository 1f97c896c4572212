"""The oracle: a case and its prompts in, per-prompt numbers out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oracle.dictionary import read_dictionaries
from oracle.interventions import Scene, Values, splice_edits
from oracle.keeping import keep_edits
from oracle.network import Edits, Network, Record
from oracle.paths import path_edits
from oracle.readings import Numbers, read
from oracle.steering import steer_edits
from oracle.wording import Case, Pairs, indices, read_spot

Donors = list[list[int]]
"""Per node of the case, the donor prompt of each prompt; one list for all nodes where donors are shared."""


class Oracle:
    """Recomputes cases on one model; runs without interventions are made once and kept."""

    def __init__(self, folder: Path, patterns: dict[str, str]) -> None:
        self.network = Network(folder)
        self.dictionaries = read_dictionaries(patterns, self.network)
        self._plain: dict[tuple[int, ...], Record] = {}

    def measure(self, case: Case, pairs: Pairs, references: Pairs, donors: Donors) -> Numbers:
        """Every reading of the case on every prompt, each of shape (n,)."""
        found: dict[str, list[float]] = {reading: [] for reading in case.every_reading}
        for prompt in range(len(pairs.answers)):
            scene = Scene(self.network, self.dictionaries, self.plain(pairs.clean[prompt]))
            edits = self._edits(case, scene, pairs, references, donors, prompt)
            record = self.network.run(pairs.side(case.side)[prompt], edits)
            for reading, numbers in found.items():
                numbers.append(read(reading, scene, record, pairs, prompt))
        return {reading: np.array(numbers) for reading, numbers in found.items()}

    def plain(self, tokens: list[int]) -> Record:
        """A run to which nothing is done."""
        key = tuple(tokens)
        if key not in self._plain:
            self._plain[key] = self.network.run(tokens)
        return self._plain[key]

    def _edits(
        self, case: Case, scene: Scene, pairs: Pairs, references: Pairs, donors: Donors, prompt: int
    ) -> Edits:
        placed = []
        for number, text in enumerate(case.nodes):
            spot = read_spot(text)
            own = donors[number] if case.donors == "independent" else donors[0]
            values = Values(self._source_runs(case, pairs, references, own, prompt))
            placed += [((spot, index), values) for index in indices(spot.at, pairs, prompt)]
        if case.verb == "steer":
            return steer_edits(scene, [place for place, _ in placed], case)
        if case.verb in {"replace", "route"}:
            receivers = [
                (spot, index)
                for spot in map(read_spot, case.receivers)
                for index in indices(spot.at, pairs, prompt)
            ]
            untouched = self.plain(pairs.side(case.side)[prompt])
            return path_edits(scene, placed, receivers, untouched, case)
        if case.verb == "splice":
            return splice_edits(scene, [place for place, _ in placed])
        values = Values(self._source_runs(case, pairs, references, donors[0], prompt))
        kept = [place for place, _ in placed]
        return keep_edits(
            scene, kept, values, case.error or "reference", with_mlps=case.scope == "heads+mlps"
        )

    def _source_runs(
        self, case: Case, pairs: Pairs, references: Pairs, donors: list[int], prompt: int
    ) -> list[Record]:
        """The runs that a source reads for one prompt."""
        if case.source == "zero":
            return []
        if case.source in {"clean", "corrupt"}:
            return [self.plain(pairs.side(case.source)[prompt])]
        if case.source == "resample":
            return [self.plain(pairs.side(case.over)[donors[prompt]])]
        cell = pairs.cells[prompt]
        rows = [row for row, other in enumerate(references.cells) if other == cell]
        return [self.plain(references.side(case.over)[row]) for row in rows]

"""Trials: how some runs of one kind came out, and the file that finished ones are kept in.

A calibration takes minutes and may be stopped at any time: what is in the file is not run again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from circuitcheck.errors import CircuitCheckError


@dataclass(frozen=True)
class Trial:
    """Runs of one kind at one distance from the threshold.

    Attributes:
        job: The piece of work that it belongs to.
        group: How it was judged, or which claims they are of the planted ones.
        what: Shape of the effects, or kind of the planted model.
        distance: How far the truth lies inside of what is claimed, in standard errors of the budget's mean;
            negative where the claim is false.
        supported: Runs that came out so; the others of `runs` were inconclusive.
        refuted: Runs that came out so.
        prompts: Prompts that all the runs took.
        note: Which claim, of planted models.
    """

    job: str
    group: str
    what: str
    distance: float
    runs: int
    supported: int
    refuted: int
    prompts: int
    note: str = ""


@dataclass(frozen=True)
class Ledger:
    """Finished jobs in a file of JSON lines, one line per job with all its trials."""

    path: Path
    settings: str
    """What must be the same for a finished job to count: seed and code."""

    def finished(self) -> dict[str, list[Trial]]:
        """The trials of every finished job, by the job's name; a line that was cut off counts as not finished.

        Raises:
            CircuitCheckError: the file was written under other settings.
        """
        found: dict[str, list[Trial]] = {}
        for line in self._lines():
            if line["settings"] != self.settings:
                msg = (
                    f"{self.path} holds trials of {line['settings']!r}, and these are {self.settings!r}. "
                    "Delete it, or name another file with --trials."
                )
                raise CircuitCheckError(msg)
            found[line["job"]] = [Trial(**trial) for trial in line["trials"]]
        return found

    def add(self, job: str, trials: list[Trial]) -> None:
        """Write a finished job."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = {"settings": self.settings, "job": job, "trials": [asdict(trial) for trial in trials]}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _lines(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        for text in self.path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(text)
            except json.JSONDecodeError:  # the run was stopped in the middle of a line
                continue

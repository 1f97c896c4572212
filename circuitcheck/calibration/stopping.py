"""What stopping early saves: `python -m circuitcheck.calibration.stopping FILE` on a circuit file, over many seeds.

In: a circuit file. Out: per claim, the mean number of prompts at which it stopped, and the smallest single number
that gives it its verdict with probability `POWER`. All prompts of a seed are measured once, and judged as far as
either way goes by the code that judges files. Controls are left out: they take the same prompts either way.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tabulate import tabulate

from circuitcheck.checking.bench import Overrides, open_bench
from circuitcheck.checking.preparing import Prepared
from circuitcheck.checking.running import corruption_of
from circuitcheck.checking.stretches import Stretches
from circuitcheck.checking.watching import Watch, settle, told
from circuitcheck.claims.judging import conclude
from circuitcheck.claims.planning import requests_of
from circuitcheck.engine import Measurement, Plan
from circuitcheck.errors import CircuitCheckError, MeasurementError
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.reading import read_spec
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.verdict import Outcome

POWER = 0.9
GROWTH = 1.1
"""From one single number of prompts to the next that is tried, at least."""
LEAST_IN_STRATUM = 4

Ending = tuple[Outcome, int]
"""What a claim came out as, on how many prompts."""


@dataclass(frozen=True)
class SeedRun:
    """One seed: every claim at its own stopping look, and at every single number of prompts."""

    early: Mapping[str, Ending]
    single: Mapping[int, Mapping[str, Outcome]]


@dataclass(frozen=True)
class Saving:
    """What the seeds of a file say together."""

    runs: Sequence[SeedRun]

    @cached_property
    def wanted(self) -> Mapping[str, Outcome]:
        """The verdict of each claim: the commonest on all prompts at once."""
        last = max(self.runs[0].single)
        return {
            claim: Counter(run.single[last][claim] for run in self.runs).most_common(1)[0][0]
            for claim in self.runs[0].early
        }

    def mean_n(self, claim: str) -> float:
        """Prompts at which a claim stopped, on average."""
        return float(np.mean([run.early[claim][1] for run in self.runs]))

    def reached(self, claim: str) -> float:
        """Share of the seeds on which the claim, stopped early, came out as wanted."""
        return float(np.mean([run.early[claim][0] == self.wanted[claim] for run in self.runs]))

    def smallest_for(self, claims: Sequence[str]) -> int | None:
        """The smallest single number on which all these claims come out as wanted on `POWER` of the seeds."""
        return next(
            (
                n
                for n in sorted(self.runs[0].single)
                if np.mean(
                    [all(run.single[n][one] == self.wanted[one] for one in claims) for run in self.runs]
                )
                >= POWER
            ),
            None,
        )

    def table(self) -> str:
        """Per claim: verdict, how often it is reached early and on how many prompts, and the smallest single number."""
        rows = [
            (
                claim,
                str(self.wanted[claim]),
                f"{self.reached(claim):.2f}",
                f"{self.mean_n(claim):.0f}",
                single := self.smallest_for([claim]),
                f"{self.mean_n(claim) / single:.2f}" if single else "",
            )
            for claim in self.wanted
        ]
        head = ("claim", "verdict", "reached early", "mean n", "smallest single n", "ratio")
        return tabulate(rows, head, tablefmt="github", disable_numparse=True)

    def __str__(self) -> str:
        single = self.smallest_for(list(self.wanted))
        early = sum(map(self.mean_n, self.wanted))
        whole = "no single number tried gives all verdicts" if single is None else (
            f"the smallest single number for the whole file is {single}, "
            f"{single * len(self.wanted)} in all: {early / (single * len(self.wanted)):.2f} of it"
        )  # fmt: skip
        return f"{self.table()}\n\n{len(self.runs)} seeds; stopped early, the claims take {early:.0f} prompts in all; {whole}."


@dataclass(frozen=True)
class Stopping:
    """One circuit file under other seeds."""

    spec: CircuitSpec

    def run(self, seed: int) -> SeedRun:
        """Measure everything on all prompts of a seed, and judge it both ways.

        Raises:
            CircuitCheckError: something cannot be measured.
        """
        prepared = Prepared(self.spec, open_bench(self.spec, Overrides()), self.spec.claims, seed=seed)
        measured = {corruption: self._measured(prepared, corruption) for corruption in prepared.prompts}
        early: dict[str, Ending] = {}
        watches = self._watches(prepared, measured, None)
        early = _endings(watches)
        sizes = _sizes(prepared.evaluated)
        single = {
            n: {
                claim: outcome
                for claim, (outcome, _) in _endings(self._watches(prepared, measured, n)).items()
            }
            for n in sizes
        }
        return SeedRun(early, single)

    def _measured(self, prepared: Prepared, corruption: str) -> Measurement:
        prompted = prepared.prompts[corruption]
        requests = [
            request
            for claim in self.spec.claims
            if corruption_of(claim, self.spec) == corruption
            for request in requests_of(claim, self.spec, prepared.mlp_aliases)
        ]
        everything = prompted.evaluated.stretch(prompted.evaluated.dealt)
        return prepared.bench.engine.measure(Plan.of(requests), everything, prompted.references, None)

    def _watches(self, prepared: Prepared, measured: Mapping[str, Measurement], n: int | None) -> list[Watch]:
        """Every claim, judged as far as its looks go; with `n`, at one look of as many prompts."""
        watches = [self._watch(claim, prepared, n) for claim in self.spec.claims]
        for look in range(max(len(watch.looks) for watch in watches)):
            for watch in watches:
                if watch.is_open:
                    ends = [0, *(each.n for each in watch.looks)]
                    whole = measured[corruption_of(watch.claim, self.spec)]
                    watch.add(_rows(whole, slice(ends[look], ends[look + 1])))
            settle(watches)
        return watches

    def _watch(self, claim: Claim, prepared: Prepared, n: int | None) -> Watch:
        evaluated = prepared.prompts[corruption_of(claim, self.spec)].evaluated
        if n is not None:
            evaluated = evaluated.stretch(evaluated.dealt[:n])
        requests = requests_of(claim, self.spec, prepared.mlp_aliases)
        stretches = Stretches(evaluated, wholly=n is not None)
        return Watch(claim, self.spec, stretches, requests, prepared.mlp_aliases, prepared.bench.engine.shape)


def _endings(watches: Sequence[Watch]) -> dict[str, Ending]:
    failed = [watch for watch in watches if watch.error]
    if failed:
        msg = f"{failed[0].claim.id}: {failed[0].error}"
        raise MeasurementError(msg)
    return {verdict.claim: (verdict.outcome, verdict.n) for verdict in conclude(told(watches))}


def _rows(measured: Measurement, rows: slice) -> Measurement:
    return Measurement(
        {request: values[rows] for request, values in measured.values.items()},
        {condition: changes[rows] for condition, changes in measured.changes.items()},
    )


def _sizes(prompts: PromptSet) -> list[int]:
    """Single numbers of prompts to try: whole rounds of the strata, each at least a tenth larger, up to all."""
    strata = len(set(prompts.cells))
    sizes, size = [], max(16, LEAST_IN_STRATUM * strata)
    size = -(-size // strata) * strata
    while size < len(prompts):
        sizes.append(size)
        size = max(size + strata, round(size * GROWTH / strata) * strata)
    return [*sizes, len(prompts)]


def main(
    file: Path, seeds: Annotated[int, typer.Option(min=1)] = 50, first: int = 1000, threads: int = 1
) -> None:
    """Measure what stopping early saves on a circuit file."""
    import torch

    torch.set_num_threads(threads)
    stopping, runs = Stopping(read_spec(file)), []
    try:
        for seed in range(first, first + seeds):
            runs.append(stopping.run(seed))
            sys.stderr.write(f"{len(runs)} of {seeds} seeds\n")
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the table is of the seeds so far\n")
    except CircuitCheckError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(1) from None
    if runs:
        sys.stdout.write(f"{Saving(runs)}\n")


if __name__ == "__main__":
    typer.run(main)

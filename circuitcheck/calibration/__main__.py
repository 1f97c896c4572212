"""`python -m circuitcheck.calibration`: measures how often verdicts are wrong, and writes it down."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import circuitcheck
from circuitcheck.calibration.agenda import Agenda, Job
from circuitcheck.calibration.page import Origin, page, record
from circuitcheck.calibration.trials import Ledger, Trial
from circuitcheck.calibration.wired import N_TRUTH
from circuitcheck.errors import CircuitCheckError

app = typer.Typer(add_completion=False)
EVERY = 5.0
"""Seconds between two lines of progress."""
_COMMAND = "python -m circuitcheck.calibration"


@app.command()
def main(
    *,
    seed: int = 0,
    scale: Annotated[float, typer.Option(min=0.0, help="Share of the simulated runs; 1 is the table.")] = 1.0,
    wirings: Annotated[int, typer.Option(min=0, help="Planted models of each of the five kinds.")] = 10,
    n_truth: Annotated[
        int, typer.Option(min=32, help="Prompts that planted truths are measured on.")
    ] = N_TRUTH,
    out: Annotated[Path, typer.Option(help="Folder of CALIBRATION.md and calibration.json.")] = Path("docs"),
    trials: Annotated[Path, typer.Option(help="Finished trials, to go on from.")] = Path(
        ".circuitcheck/calibration.jsonl"
    ),
) -> None:
    """Measure how often verdicts are wrong, on simulated effects and on planted models.

    Can be stopped at any time: the same command goes on.
    """
    agenda = Agenda(seed, scale, wirings, n_truth)
    ledger = Ledger(trials, f"seed {seed}, code {code_digest()}")
    try:
        finished = run(agenda.jobs(), ledger)
    except CircuitCheckError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; the same command goes on from here\n")
        raise typer.Exit(130) from None
    write(finished, Origin(_command(), seed, n_truth), out)


def run(jobs: Sequence[Job], ledger: Ledger) -> list[Trial]:
    """The trials of all jobs; those that the ledger has are not run again."""
    known = ledger.finished()
    began = said = time.monotonic()
    found: list[Trial] = []
    for number, job in enumerate(jobs, 1):
        if job.name not in known:
            known[job.name] = job.work()
            ledger.add(job.name, known[job.name])
        found += known[job.name]
        if number == len(jobs) or time.monotonic() - said > EVERY:
            said = time.monotonic()
            sys.stderr.write(f"{number} of {len(jobs)} jobs, {said - began:.0f} s\n")
    return found


def code_digest() -> str:
    """Of every file of the package: trials of other code are not these."""
    digest = hashlib.sha256()
    for path in sorted(Path(circuitcheck.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def write(trials: Sequence[Trial], origin: Origin, out: Path) -> None:
    """Write the page and the same as JSON."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "CALIBRATION.md").write_text(page(trials, origin), encoding="utf-8")
    (out / "calibration.json").write_text(
        json.dumps(record(trials, origin), indent=1) + "\n", encoding="utf-8"
    )


def _command() -> str:
    return " ".join([_COMMAND, *sys.argv[1:]])


if __name__ == "__main__":
    app()

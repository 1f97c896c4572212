"""`circuitcheck baseline`: keep what a run measured, and hold later runs against it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from circuitcheck.errors import CircuitCheckError

if TYPE_CHECKING:
    from circuitcheck.baseline.comparing import FileComparison
    from circuitcheck.baseline.records import Baseline
    from circuitcheck.baseline.saving import Kept
    from circuitcheck.report.results import RunResults

FINDINGS = 1
_BASELINE = Path("reports") / "baseline" / "baseline.json"

baseline = typer.Typer(
    help="Keep what a run measured in a file to commit, and see what later runs changed.",
    no_args_is_help=True,
)

BaselineFile = Annotated[Path, typer.Option("--baseline", metavar="FILE", help="The baseline file.")]
Reports = Annotated[Path, typer.Option(help="Where runs lie.")]
Run = Annotated[str, typer.Argument(help="A run's folder, or its name; the newest, left out.")]


@baseline.command()
def save(run: Run = "", to: BaselineFile = _BASELINE, reports: Reports = Path("reports")) -> None:
    """Write a new baseline of all claims of a run."""
    from circuitcheck.baseline.reading import run_of
    from circuitcheck.baseline.records import Baseline, read_baseline
    from circuitcheck.baseline.saving import baseline_of

    results = run_of(run, reports)
    before = read_baseline(to) if to.exists() else Baseline()
    kept = baseline_of(results)
    _write(kept, to, results)
    if lost := sorted(set(_names(before)) - set(_names(kept.baseline))):
        typer.echo(
            f"the baseline before had these as well, and this run did not measure them: {', '.join(lost)}"
        )


@baseline.command()
def accept(
    claims: Annotated[
        list[str] | None, typer.Argument(metavar="[[CIRCUIT::]CLAIM]...", help="All of the run, left out.")
    ] = None,
    *,
    run: Annotated[str, typer.Option(help="A run's folder, or its name; the newest, left out.")] = "",
    to: BaselineFile = _BASELINE,
    reports: Reports = Path("reports"),
) -> None:
    """Take a run's numbers for these claims into the baseline; the others stay as they are."""
    from circuitcheck.baseline.reading import run_of
    from circuitcheck.baseline.records import Baseline, read_baseline
    from circuitcheck.baseline.saving import with_claims

    results = run_of(run, reports)
    names = claims or []
    before = read_baseline(to) if to.exists() else Baseline()
    _check_names(names, results)
    kept = with_claims(before, results, names)
    if names and (refused := list(kept.left_out.items())):
        claim, reason = refused[0]
        msg = f"{claim} cannot be accepted: {reason.rstrip('.')}."
        raise CircuitCheckError(msg)
    _write(kept, to, results)
    if gone := sorted(set(_names(before)) - set(_names(kept.baseline))):
        typer.echo(f"taken out, since the circuit files no longer have them: {', '.join(gone)}")


@baseline.command()
def diff(
    before: Annotated[str, typer.Argument(help="A baseline file or a run; the baseline, left out.")] = "",
    after: Annotated[str, typer.Argument(help="A run or a baseline file; the newest run, left out.")] = "",
    *,
    margin: Annotated[
        float,
        typer.Option(
            min=0.0, help="How far effects may move, as a share: of ratios, or of the clean metric."
        ),
    ] = 0.05,
    reports: Reports = Path("reports"),
) -> None:
    """Print what changed; exits with 1 if a verdict got worse, an effect moved, or a claim cannot be compared."""
    from circuitcheck.baseline.comparing import compare_file
    from circuitcheck.baseline.reading import baseline_or_run, results_or_baseline
    from circuitcheck.baseline.records import read_baseline

    first = baseline_or_run(before, reports) if before else read_baseline(_BASELINE)
    results = results_or_baseline(after, reports)
    files = [file for file in results.files if not file.test]
    in_file = {file.circuit: _ids(results, file.circuit) for file in files}
    comparisons = [compare_file(first, file, in_file[file.circuit], margin) for file in files]
    _print_diff(comparisons)
    for circuit in sorted(set(first.claims) - set(in_file)):
        typer.echo(f"{circuit}: a circuit that is not in the later one")
    if any(pair.fails for comparison in comparisons for pair in comparison.pairs.values()):
        raise typer.Exit(FINDINGS)


@baseline.command()
def table(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Folders or names of runs.")],
    *,
    to_csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write every number there as well.")
    ] = None,
    reports: Reports = Path("reports"),
) -> None:
    """Print each claim on each of several checkpoints, one run each."""
    from circuitcheck.baseline.reading import run_of
    from circuitcheck.baseline.tables import checkpoint_csv, checkpoint_table

    results = [run_of(run, reports) for run in runs]
    typer.echo(checkpoint_table(results))
    if to_csv:
        _write_text(to_csv, checkpoint_csv(results))
        typer.echo(f"numbers in {to_csv}")


def _print_diff(comparisons: Sequence[FileComparison]) -> None:
    from circuitcheck.baseline.tables import diff_table
    from circuitcheck.baseline.wording import origin_lines, sentence, summary_of

    pairs = [pair for comparison in comparisons for pair in comparison.pairs.values()]
    lines = [
        line for pair in pairs if pair.kept_origin for line in origin_lines(pair.kept_origin, pair.origin)
    ]
    for line in dict.fromkeys(lines):
        typer.echo(line)
    typer.echo(f"\n{diff_table(pairs)}\n")
    for pair in pairs:
        if pair.word not in {"identical", "unchanged"}:
            typer.echo(f"{pair.record.claim}: {sentence(pair)}")
    for name in (name for comparison in comparisons for name in comparison.gone):
        typer.echo(f"{name}: not in the later one")
    typer.echo(summary_of(comparisons))


def _ids(results: RunResults, circuit: str) -> list[str]:
    return [record.claim for file in results.files if file.circuit == circuit for record in file.claims]


def _names(baseline: Baseline) -> list[str]:
    return [f"{circuit}::{claim}" for circuit, kept in baseline.claims.items() for claim in kept]


def _check_names(names: Sequence[str], results: RunResults) -> None:
    known = [
        (file.circuit, name) for file in results.files for name in (*_ids(results, file.circuit), *file.gone)
    ]
    every = {form for circuit, name in known for form in (name, f"{circuit}::{name}")}
    if unknown := [name for name in names if name not in every]:
        has = ", ".join(dict.fromkeys(name for _, name in known)) or "no claims"
        msg = f"run {results.run} did not measure {unknown[0]!r}. It has: {has}."
        raise CircuitCheckError(msg)


def _write(kept: Kept, path: Path, results: RunResults) -> None:
    """Write the file, and say what is in it and what is not.

    Raises:
        CircuitCheckError: there is nothing to write, or it cannot be written.
    """
    left_out = [f"left out: {claim}, since {reason}" for claim, reason in kept.left_out.items()]
    if not kept.baseline.count:
        why = f" ({left_out[0]})" if left_out else ""
        msg = f"run {results.run} has no claim to keep{why}. Run `circuitcheck run` on your circuit files first."
        raise CircuitCheckError(msg)
    _write_text(path, kept.baseline.to_json())
    for line in left_out:
        typer.echo(line)
    interrupted = ", which was interrupted" if results.interrupted else ""
    typer.echo(f"{path}: {kept.baseline.count} claims, from run {results.run}{interrupted}")


def _write_text(path: Path, text: str) -> None:
    from circuitcheck.report.writing import replace_text

    try:
        replace_text(path, text)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}. Choose a file in a folder that can be written."
        raise CircuitCheckError(msg) from error

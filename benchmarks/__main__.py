"""`python -m benchmarks`: times circuitcheck, prints a table, writes every raw number as JSON."""

import json
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from benchmarks.agenda import FULLY, LENGTH, Agenda
from benchmarks.claims import claims_row
from benchmarks.duel import Effort
from benchmarks.machine import machine_facts
from benchmarks.record import claims_record, file_record, report_record, row_record
from benchmarks.session import Session
from benchmarks.table import claims_line, legend, line_of, lines_of
from benchmarks.widened import SMALL

app = typer.Typer(add_completion=False)
_OUT = Path("reports/benchmarks.json")

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", help="gpt2-small, pythia-410m, llama-gqa, ioi-mini; f and claims: ioi-mini-wide too."
    ),
]
Works = Annotated[
    list[str] | None, typer.Option("--work", help="a, b, c, d, e or f; d-end, e-10 for one of a kind.")
]
Lengths = Annotated[list[int] | None, typer.Option("--length", help="Tokens of a prompt, BOS counted.")]


@app.command()
def main(
    *,
    model: Models = None,
    work: Works = None,
    length: Lengths = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1.")] = "cpu",
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of torch; its own choice, left out.")
    ] = None,
    prompts: Annotated[int, typer.Option(min=2, help="Prompt pairs.")] = 32,
    seconds: Annotated[float, typer.Option(help="About how long each line may take.")] = 20.0,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each line, at least.")] = 3,
    whole: Annotated[
        bool, typer.Option("--whole", help="Time every intervention, however long it takes.")
    ] = False,
    seed: int = 0,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = _OUT,
    claims: Annotated[bool, typer.Option("--claims", help="Only: 200 claims against 20.")] = False,
    profile: Annotated[str, typer.Option(help="Only: cProfile of this work, or of `claims`.")] = "",
) -> None:
    """Time circuitcheck against run_with_hooks, and against the arithmetic that the work takes.

    a, b, c: every head at END, at 10/16, at every token. d: 500 features. e: 200 circuits that keep 10, 25 and
    50 percent. f: the shipped circuit files. Ends with 1 where the sides disagree.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    session = Session(device, dtype, prompts, seed, Effort(seconds, rounds, whole))
    settings = {
        "dtype": dtype,
        "prompts": prompts,
        "seed": seed,
        "seconds": seconds,
        "rounds": rounds,
        "whole": whole,
    }
    try:
        agenda = Agenda.of(model or [], work or [], length or [])
        pages = session.profile(profile, (model or [FULLY])[0], (length or [LENGTH])[0]) if profile else ""
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from fault
    if profile:
        typer.echo(pages)
    elif claims:
        row = claims_row(rounds, session.meter, device, (model or [SMALL])[0])
        typer.echo(claims_line(row))
        _write(out, device, settings, claims=claims_record(row))
    else:
        agree = _time(session, agenda, out, settings)
        raise typer.Exit(0 if agree else 1)


def _time(session: Session, agenda: Agenda, out: Path, settings: dict[str, Any]) -> bool:
    """Print lines as they come, then the whole table; whether the sides agree."""
    rows, files = [], []
    for row in session.rows(agenda):
        rows.append(row)
        typer.echo(line_of(row), err=True)
        _write(out, session.device, settings, rows=[row_record(one) for one in rows])
    for file in session.files(agenda):
        files.append(file)
        typer.echo(f"{file.name}: {file.faster} times as long by whole passes", err=True)
    _write(
        out, session.device, settings, rows=[row_record(one) for one in rows],
        files=[file_record(one) for one in files],
    )  # fmt: skip
    machine = machine_facts(session.device)
    typer.echo(
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads, {machine['device']}\n"
    )
    typer.echo(lines_of(rows, files))
    typer.echo(f"\n{legend(session.meter.kind)}\n\nWritten to {out}.")
    return all(row.agrees for row in rows) and all(file.agrees for file in files)


def _write(out: Path, device: str, settings: dict[str, Any], **found: Any) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    record = report_record(machine_facts(device), settings, **found)
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app()

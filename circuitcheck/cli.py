"""The command line: `circuitcheck COMMAND`.

Exit codes: 0 fine, 1 findings (`validate`, `doctor`, `baseline diff`, and pytest's own for `run`), 2 the call or a
file is wrong, said in one sentence on standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from circuitcheck.commands.baseline import baseline
from circuitcheck.commands.discover import discover
from circuitcheck.commands.doctor import doctor
from circuitcheck.commands.exchange import export, import_
from circuitcheck.commands.init import init
from circuitcheck.commands.measure import measure
from circuitcheck.commands.prompts import prompts
from circuitcheck.commands.report import report
from circuitcheck.commands.review import review
from circuitcheck.commands.run import run
from circuitcheck.commands.schema import schema
from circuitcheck.commands.show import show
from circuitcheck.commands.validate import validate
from circuitcheck.errors import CircuitCheckError

USAGE = 2

app = typer.Typer(
    help="pytest for circuits: claims about circuits in language models, measured and judged.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback means our bug, and should be whole
)
for command in (init, validate, prompts, measure, run, show, report, schema, doctor, discover, review):
    app.command()(command)
app.command(name="import")(import_)
app.command()(export)
app.add_typer(baseline, name="baseline")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; `arguments` are those of the process, left out."""
    try:
        app(arguments)
    except CircuitCheckError as error:
        typer.echo(str(error), err=True)
        sys.exit(USAGE)

"""`circuitcheck schema`: the JSON Schemas, for editors and for readers of results."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer


class Subject(StrEnum):
    """What has a published schema."""

    CIRCUIT = "circuit"
    RESULTS = "results"


def schema(
    subject: Annotated[
        Subject, typer.Argument(help="Of circuit files, or of results.json.")
    ] = Subject.CIRCUIT,
) -> None:
    """Print a JSON Schema."""
    if subject is Subject.CIRCUIT:
        from circuitcheck.schema import circuit_schema as make
    else:
        from circuitcheck.report.results import results_schema as make
    typer.echo(json.dumps(make(), indent=2))

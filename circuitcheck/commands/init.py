"""`circuitcheck init`: a first circuit file, to be read, run and changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from circuitcheck.errors import CircuitCheckError

NAME = Path("circuits") / "first.circuit.yaml"
_STARTER = Path(__file__).with_name("starter.circuit.yaml")


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Project folder.")] = Path(),
) -> None:
    """Write circuits/first.circuit.yaml, a commented example on the bundled model."""
    path = folder / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_STARTER.read_text(encoding="utf-8"))
    except FileExistsError:
        msg = f"{path} is there already and is left as it is. Give another folder, or move the file away."
        raise CircuitCheckError(msg) from None
    typer.echo(f"wrote {path}\nnow try: circuitcheck validate {path}, then circuitcheck run {path}")

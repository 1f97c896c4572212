"""`circuitcheck doctor --store`: what is kept of earlier runs, and whether it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from circuitcheck.store.inspection import Inspection

DEFAULT = Path(".circuitcheck") / "results"
VARIABLE = "CIRCUITCHECK_STORE"
MOST_LISTED = 20


def doctor_store(folder: Path | None, *, remove_damaged: bool) -> None:
    """Print what a store holds; exits 1 where damaged entries stay in it."""
    from circuitcheck.store import Store
    from circuitcheck.store.inspection import inspect

    folder = folder or Path(os.environ.get(VARIABLE) or DEFAULT)
    if not folder.is_dir():
        typer.echo(f"there is no store at {folder}: nothing has been measured yet, or it is kept elsewhere.")
        return
    found = inspect(Store(folder))
    for line in _lines(folder, found):
        typer.echo(line)
    if found.damaged and not remove_damaged:
        typer.echo(
            "WRONG  damaged entries are measured again when they are needed; --remove-damaged takes them away."
        )
        raise typer.Exit(1)
    for path in found.damaged:
        path.unlink(missing_ok=True)
    if found.damaged:
        typer.echo(f"removed {len(found.damaged)}")


def _lines(folder: Path, found: Inspection) -> Iterator[str]:
    from circuitcheck.byte_sizes import bytes_text

    yield f"store {folder}: {found.measurements} measurements in {found.files} files, {bytes_text(found.size)}"
    if found.oldest and found.newest:
        yield f"last used between {_moment(found.oldest)} and {_moment(found.newest)}"
    if found.outdated:
        yield f"{found.outdated} were made by older code, and are not used any more"
    for path in found.damaged[:MOST_LISTED]:
        yield f"damaged: {path}"
    if len(found.damaged) > MOST_LISTED:
        yield f"damaged: {len(found.damaged) - MOST_LISTED} more"


def _moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")

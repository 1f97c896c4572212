"""`circuitcheck report`: the page of a run drawn again, or a page that compares two runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from circuitcheck.errors import CircuitCheckError

if TYPE_CHECKING:
    from circuitcheck.report.results import RunResults


def report(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name; the newest, left out.")] = "",
    after: Annotated[str, typer.Argument(metavar="[OTHER]", help="A later run to compare it with.")] = "",
    reports: Annotated[Path, typer.Option(help="Where runs lie.")] = Path("reports"),
    svg: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the run's drawings as SVG files too.")
    ] = None,
) -> None:
    """Draw the page of a run again, or compare two runs, and print where the page is."""
    from circuitcheck.report.html.page import comparison_page, report_page
    from circuitcheck.report.writing import PAGE, newest_run, read_results, replace_text

    folder = _run_folder(run, reports) if run else newest_run(reports)
    results = read_results(folder)
    if after:
        path = _run_folder(after, reports) / f"compared-with-{folder.resolve().name}.html"
        text = comparison_page(results, read_results(path.parent))
    else:
        path, text = folder / PAGE, report_page(results)
    try:
        replace_text(path, text)
        written = _write_drawings(results, svg) if svg else 0
    except OSError as error:
        msg = f"cannot write {error.filename or path}: {error.strerror}. Choose a folder that can be written."
        raise CircuitCheckError(msg) from error
    typer.echo(str(path))
    if svg:
        typer.echo(f"{written} drawings in {svg}")


def _run_folder(run: str, reports: Path) -> Path:
    return Path(run) if Path(run).is_dir() else reports / run


def _write_drawings(results: RunResults, folder: Path) -> int:
    """Every drawing of the run below `folder`; gives back how many."""
    from circuitcheck.report.html.figure_files import figure_files
    from circuitcheck.report.writing import replace_text

    written = 0
    for name, drawing in figure_files(results):
        replace_text(folder / name, drawing)
        written += 1
    return written

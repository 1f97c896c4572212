"""The drawings of a run as SVG files, for papers and slides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from circuitcheck.report.html.file_view import shades
from circuitcheck.report.html.interval_plot import interval_plot
from circuitcheck.report.html.page import figure_style
from circuitcheck.report.html.strip_plot import strip_plot
from circuitcheck.report.html.why import deciding_part
from circuitcheck.report.picture import circuit_picture
from circuitcheck.report.results import FileRecord, RunResults
from circuitcheck.report.svg import standalone

WIDTH = "640"
PICTURE = "circuit.svg"


def figure_files(results: RunResults) -> Iterator[tuple[PurePath, str]]:
    """Every drawing and where it belongs: `CIRCUIT/circuit.svg`, `CIRCUIT/CLAIM.svg`, `CIRCUIT/CLAIM-controls.svg`."""
    taken: set[str] = set()
    for file in results.files:
        folder = _unused(_file_name(file.circuit), taken)
        for name, drawing in _drawings(file):
            if drawing:
                yield PurePath(folder, name), standalone(drawing, figure_style())


def _drawings(file: FileRecord) -> Iterator[tuple[str, str]]:
    yield PICTURE, circuit_picture(file, shades(file), name="circuit")
    taken = {PurePath(PICTURE).stem}
    for record in file.claims:
        part = deciding_part(record)
        if part:
            yield f"{_unused(_file_name(record.claim), taken)}.svg", interval_plot(part, WIDTH)
        if record.controls:
            controls = strip_plot(record.controls.to_controls(), WIDTH)
            yield f"{_unused(_file_name(f'{record.claim}-controls'), taken)}.svg", controls


def _file_name(text: str) -> str:
    """A name that stays inside its folder, whatever a results file says."""
    return re.sub(r"[^\w.-]+", "_", text).strip(".") or "unnamed"


def _unused(name: str, taken: set[str]) -> str:
    """The name, numbered where it is taken; takes it."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free)
    return free

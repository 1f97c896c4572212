"""The deciding quantity per (template, order) cell, as a small table whose shades follow the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from circuitcheck.report.numerals import numeral
from circuitcheck.report.results import PartRecord

SHADES = 6
_MOST_ROWS = 40


@dataclass(frozen=True)
class Cell:
    """One number; `shade` is 0 for the least of the table to `SHADES` - 1; `outside` the claimed range."""

    text: str
    shade: int
    outside: bool


@dataclass(frozen=True)
class CellTable:
    """Templates down, orders across; a combination that was not measured is None."""

    orders: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    left_out: int
    caption: str


def cell_table(cells: Mapping[str, float | None], part: PartRecord | None) -> CellTable | None:
    """The table of `{"template order": value}`; None where fewer than two cells tell nothing new."""
    if len(cells) < 2 or part is None:
        return None
    named = {_template_and_order(name): value for name, value in cells.items()}
    templates = tuple(dict.fromkeys(template for template, _ in named))
    orders = tuple(dict.fromkeys(order for _, order in named))
    finite = [value for value in cells.values() if value is not None]
    low, high = min(finite, default=0.0), max(finite, default=0.0)

    def drawn(template: str, order: str) -> Cell | None:
        if (template, order) not in named:
            return None
        value = named[template, order]
        shade = 0 if value is None or high == low else int((value - low) / (high - low) * (SHADES - 0.01))
        return Cell(numeral(value), shade, _outside(value, part))

    rows = tuple((template, tuple(drawn(template, order) for order in orders)) for template in templates)
    return CellTable(orders, rows[:_MOST_ROWS], max(len(rows) - _MOST_ROWS, 0), _caption(part, rows))


def _template_and_order(name: str) -> tuple[str, str]:
    template, _, order = name.rpartition(" ")
    return (template, order) if template else (name, "")


def _outside(value: float | None, part: PartRecord) -> bool:
    if value is None:
        return False
    return (part.below is not None and value < part.below) or (part.above is not None and value > part.above)


def _caption(part: PartRecord, rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]) -> str:
    where = f" for {part.slice}" if part.slice else ""
    every = [cell for _, cells in rows for cell in cells if cell is not None]
    outside = sum(cell.outside for cell in every)
    said = f"; {outside} of {len(every)} lie outside the claimed range (✗)" if outside else ""
    return f"{part.quantity}{where} by template and order{said}"

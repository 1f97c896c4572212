"""Prompts with the words of their roles marked."""

from __future__ import annotations

from dataclasses import dataclass

from circuitcheck.report.numerals import numeral
from circuitcheck.report.results import PromptRecord
from circuitcheck.report.wording import cell_name


@dataclass(frozen=True)
class Piece:
    """A stretch of a prompt; `role` names the roles of a marked word, "" elsewhere."""

    text: str
    role: str = ""


@dataclass(frozen=True)
class PromptView:
    """One prompt with what was measured on it: `3.90 → 0.200`, or one number with its name."""

    pieces: tuple[Piece, ...]
    cell: str
    numbers: str


def prompt_view(record: PromptRecord, reading: str = "") -> PromptView:
    """What the page shows of one prompt; `reading` names the number where there is only one."""
    cell = cell_name(record.template, record.order)
    after = numeral(record.after)
    numbers = f"{reading} {after}" if reading else f"{numeral(record.before)} → {after}"
    return PromptView(pieces(record), cell, numbers)


def pieces(record: PromptRecord) -> tuple[Piece, ...]:
    """The prompt cut at its roles. Roles of one span share a mark; a span that overlaps another is left out."""
    names: dict[tuple[int, int], list[str]] = {}
    for role, (start, end) in record.spans.items():
        if 0 <= start < end <= len(record.prompt):
            names.setdefault((start, end), []).append(role)
    cut, at = list[Piece](), 0
    for (start, end), roles in sorted(names.items()):
        if start >= at:
            cut += [Piece(record.prompt[at:start]), Piece(record.prompt[start:end], ", ".join(roles))]
            at = end
    cut.append(Piece(record.prompt[at:]))
    return tuple(piece for piece in cut if piece.text)

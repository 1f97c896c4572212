"""What both corpora are made of: documents, and the shape of their sentences."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[str, ...]
"""Clause types before the giving clause, in text order; `frozen_shapes.yaml` says what each is."""


@dataclass(frozen=True)
class Document:
    """One training text, and the shape of its giving sentence where it has one."""

    text: str
    shape: Shape | None = None

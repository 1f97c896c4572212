"""Samples whose verdict is about templates like these, not about the prompts of these templates."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitcheck.statistics.largest import Largest
from circuitcheck.statistics.sample import Sample
from circuitcheck.statistics.templates import over_templates


@dataclass(frozen=True, eq=False)
class LikeTemplates(Sample):
    """Numbers per prompt, shown as they are and judged by the means of their templates.

    `templates` is a label per prompt, shape (n,).
    """

    templates: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def judged(self) -> Sample:
        """The sample of template means."""
        return over_templates(self, self.templates)

    def on(self, rows: NDArray[np.bool_]) -> LikeTemplates:
        """The sample on some of its prompts."""
        some = Sample(**_fields(self)).on(rows)
        return LikeTemplates(**_fields(some), templates=self.templates[rows])


def like_templates(sample: Sample, templates: NDArray[np.int64]) -> Sample:
    """The same numbers for a verdict about templates like these; `templates` is a label per prompt, shape (n,)."""
    if isinstance(sample, Largest):
        return Largest.of([like_templates(option, templates) for option in sample.options])
    return LikeTemplates(**_fields(sample), templates=templates)


def _fields(sample: Sample) -> dict[str, Any]:
    return {each.name: getattr(sample, each.name) for each in fields(Sample)}

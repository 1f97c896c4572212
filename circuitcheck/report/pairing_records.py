"""What a claim's record has so that another run can be paired with it, and what the pairing said."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from circuitcheck.report.columns import packed_floats, packed_rows, packed_wholes
from circuitcheck.verdict import EvaluatedPrompts, PartNumbers


class PromptsRecord(BaseModel, frozen=True, extra="forbid"):
    """The prompts of a claim: `fingerprints` and the number in `cells` of each, as `report.columns` packs them.

    A cell is (template, order). `whole` is the digest of all prompts that the claim might have taken, "" where it
    took them all.
    """

    digest: str
    fingerprints: str
    cells: list[tuple[str, str]]
    cell_of: str
    whole: str = ""

    @classmethod
    def of(cls, prompts: EvaluatedPrompts) -> PromptsRecord:
        """The record of a claim's prompts."""
        cells = sorted(set(prompts.cells))
        numbers = {cell: number for number, cell in enumerate(cells)}
        return cls(
            digest=prompts.digest,
            fingerprints=packed_wholes(prompts.fingerprints),
            cells=cells,
            cell_of=packed_wholes([numbers[cell] for cell in prompts.cells]),
            whole=prompts.whole,
        )

    @property
    def drawn_from(self) -> str:
        """The digest of the prompts that the file's reference set goes with."""
        return self.whole or self.digest


class NumbersRecord(BaseModel, frozen=True, extra="forbid"):
    """What one part was judged on, per prompt, as `report.columns` packs it: single precision.

    `rows` says which of the claim's prompts, "" for all of them; `denominator` is "" for a plain mean.
    """

    rows: str
    numerator: str
    denominator: str = ""
    limits: tuple[float, float] | None = None

    @classmethod
    def of(cls, numbers: PartNumbers) -> NumbersRecord:
        """The record of a part's numbers."""
        return cls(
            rows=packed_rows(numbers.rows),
            numerator=packed_floats(numbers.numerator),
            denominator=packed_floats(numbers.denominator) if numbers.denominator else "",
            limits=numbers.limits,
        )


class SinceBaseline(BaseModel, frozen=True, extra="forbid"):
    """How a claim stands against the baseline: one word, whether that fails the run, and what to say of it.

    `lines` are the details below `sentence`; `name` is what the baseline calls the claim, "" where it is new.
    """

    word: Literal[
        "worse",
        "moved",
        "refused",
        "better",
        "unclear",
        "within",
        "unchanged",
        "identical",
        "new",
        "unmeasured",
    ]
    fails: bool
    sentence: str
    lines: list[str] = []
    name: str = ""

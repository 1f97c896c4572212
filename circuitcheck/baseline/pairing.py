"""Finds the claim of the baseline that a claim of a run is, and the prompts that both were measured on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitcheck.baseline.questions import question_of, what_differs
from circuitcheck.baseline.records import Baseline, KeptClaim, KeptPart, Origin
from circuitcheck.report.claim_records import ClaimRecord, PartRecord
from circuitcheck.report.columns import floats, rows_of, wholes
from circuitcheck.report.pairing_records import NumbersRecord, PromptsRecord
from circuitcheck.statistics import Sample

LEAST_IN_STRATUM = 4
"""Prompts that a cell needs in the comparison before its own spread is used; else templates are the strata."""

Rows = NDArray[np.bool_]
Column = tuple[NDArray[np.float64], NDArray[np.float64] | None]


@dataclass(frozen=True)
class PairedPart:
    """One part in both runs, on the prompts that both have, shape (n,) each; `cells` names each prompt's."""

    kept: KeptPart
    part: PartRecord
    before: Sample
    after: Sample
    cells: tuple[str, ...]


def counterpart(
    kept: Mapping[str, KeptClaim], record: ClaimRecord, in_file: Collection[str]
) -> tuple[str, KeptClaim] | None:
    """The claim of the baseline with this id, or else the only one that asks the same and whose id is gone."""
    if record.claim in kept:
        return record.claim, kept[record.claim]
    asked = [(part.quantity, part.slice) for part in record.parts]
    same = [
        (name, claim)
        for name, claim in kept.items()
        if name not in in_file
        and claim.question == question_of(record)
        and [(part.quantity, part.slice) for part in claim.parts] == asked
    ]
    return same[0] if len(same) == 1 else None


def refusal(baseline: Baseline, kept: KeptClaim, record: ClaimRecord, origin: Origin) -> str:
    """Why the two cannot be compared, in a clause; "" where they can."""
    if different := what_differs(kept.question, question_of(record)):
        return f"the claim measures something else: {different}"
    if record.prompts is None or len(record.numbers) != len(record.parts):
        return "the run has no numbers per prompt"
    if not pairs_of(record, kept):
        quantities = ", ".join(dict.fromkeys(part.quantity for part in kept.parts))
        return f"the claim expects nothing any more of what the baseline has ({quantities})"
    if not common_prompts(baseline.prompts[kept.prompts], record.prompts):
        return "the prompts are others (family, templates, seed, corruption or tokenizer changed)"
    before = baseline.origins[kept.origin].references.get(baseline.prompts[kept.prompts].drawn_from)
    after = origin.references.get(record.prompts.drawn_from)
    if before and after and before != after:
        return "the reference set of mean ablation is another"
    return ""


def pairs_of(record: ClaimRecord, kept: KeptClaim) -> list[tuple[KeptPart, PartRecord, NumbersRecord]]:
    """Parts of the same quantity on the same slice, as far as they are means over the claim's own prompts."""
    known = {(part.quantity, part.slice): part for part in kept.parts}
    return [
        (known[part.quantity, part.slice], part, numbers)
        for part, numbers in zip(record.parts, record.numbers, strict=True)
        if (part.quantity, part.slice) in known and rows_of(numbers.rows, record.compared).any()
    ]


def common_prompts(before: PromptsRecord, after: PromptsRecord) -> int:
    """How many prompts both begin with; 0 where the shorter is not the beginning of the longer."""
    first, second = wholes(before.fingerprints), wholes(after.fingerprints)
    n = min(len(first), len(second))
    return n if np.array_equal(first[:n], second[:n]) else 0


def paired_parts(baseline: Baseline, kept: KeptClaim, record: ClaimRecord) -> list[PairedPart]:
    """The parts that both have, on the prompts that both begin with; only where there is no `refusal`."""
    assert record.prompts is not None, "asked for by refusal"
    prompts = baseline.prompts[kept.prompts]
    n = common_prompts(prompts, record.prompts)
    cells = [prompts.cells[number] for number in wholes(prompts.cell_of)[:n]]
    return [_paired(baseline, kept, record, pair, cells) for pair in pairs_of(record, kept)]


def _paired(
    baseline: Baseline,
    claim: KeptClaim,
    record: ClaimRecord,
    pair: tuple[KeptPart, PartRecord, NumbersRecord],
    cells: list[tuple[str, str]],
) -> PairedPart:
    kept, part, numbers = pair
    old_rows, new_rows = rows_of(kept.rows, claim.n), rows_of(numbers.rows, record.compared)
    both = old_rows[: len(cells)] & new_rows[: len(cells)]
    old = baseline.columns[kept.numerator], baseline.columns.get(kept.denominator, "")
    new = numbers.numerator, numbers.denominator
    chosen = [cell for cell, is_in in zip(cells, both, strict=True) if is_in]
    strata = strata_of(chosen)
    return PairedPart(
        kept=kept,
        part=part,
        before=_sample(_column(old, old_rows, both), strata, kept.limits),
        after=_sample(_column(new, new_rows, both), strata, numbers.limits),
        cells=tuple(" ".join(name for name in cell if name != "-") for cell in chosen),
    )


def _column(texts: tuple[str, str], rows: Rows, wanted: Rows) -> Column:
    """Numerator and denominator of the wanted rows, out of the numbers of `rows`."""
    picked = wanted[rows[: len(wanted)]]
    numerator, denominator = texts
    return _picked(floats(numerator), picked), _picked(floats(denominator), picked) if denominator else None


def _picked(values: NDArray[np.float64], picked: Rows) -> NDArray[np.float64]:
    return values[: len(picked)][picked]


def _sample(column: Column, strata: NDArray[np.int64], limits: tuple[float, float] | None) -> Sample:
    numerator, denominator = column
    return Sample(numerator, denominator, strata, limits)


def strata_of(cells: list[tuple[str, str]]) -> NDArray[np.int64]:
    """A number per prompt for its cell, shape (n,); for its template where some cell has too few prompts."""
    numbers = {cell: number for number, cell in enumerate(sorted(set(cells)))}
    by_cell = np.array([numbers[cell] for cell in cells], dtype=np.int64)
    if len(cells) and np.bincount(by_cell).min() >= LEAST_IN_STRATUM:
        return by_cell
    templates = {template: number for number, template in enumerate(sorted({cell[0] for cell in cells}))}
    return np.array([templates[template] for template, _ in cells], dtype=np.int64)

"""Several runs side by side: what changed between two, and each claim on each of many checkpoints."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from tabulate import tabulate

from circuitcheck.baseline.comparing import Pair
from circuitcheck.baseline.saving import claims_of
from circuitcheck.baseline.wording import signed
from circuitcheck.report.claim_records import ClaimRecord, PartRecord
from circuitcheck.report.numerals import numeral
from circuitcheck.report.results import RunResults

NOTHING = "-"
_DIFF = ("claim", "verdict", "part", "before", "after", "change", "margin", "says")
_CSV = (
    "circuit", "claim", "run", "model", "model_sha256", "verdict", "quantity", "slice", "expected", "estimate", "low",
    "high", "n",
)  # fmt: skip


def diff_table(pairs: Sequence[Pair]) -> str:
    """One line per part of every claim, worst words first."""
    ranked = sorted(pairs, key=lambda pair: not pair.fails)
    rows = [row for pair in ranked for row in _diff_rows(pair)]
    table: str = tabulate(rows, _DIFF, tablefmt="simple", disable_numparse=True)
    return table


def _diff_rows(pair: Pair) -> list[tuple[str, ...]]:
    before = pair.kept.verdict if pair.kept else NOTHING
    verdict = pair.record.verdict if before == pair.record.verdict else f"{before} -> {pair.record.verdict}"
    if not pair.changes:
        return [(pair.record.claim, verdict, *[NOTHING] * 5, pair.word)]
    return [
        (
            pair.record.claim if first else "",
            verdict if first else "",
            " ".join(filter(None, (change.quantity, change.slice))),
            numeral(change.before),
            numeral(change.after),
            "0" if change.is_identical else signed(change.size),
            numeral(change.margin),
            pair.word if first else "moved" if moved else "",
        )
        for first, change, moved in zip(
            [True, *[False] * len(pair.changes)], pair.changes, pair.moved, strict=False
        )
    ]


def checkpoint_table(runs: Sequence[RunResults]) -> str:
    """Claims as rows, runs as columns; each cell the verdict and the first part's estimate."""
    columns = [_by_claim(run) for run in runs]
    keys = dict.fromkeys(key for column in columns for key in column)
    rows = [
        (f"{circuit}::{claim}", *(_cell(column.get((circuit, claim))) for column in columns))
        for circuit, claim in keys
    ]
    table: str = tabulate(rows, ("claim", *map(heading, runs)), tablefmt="simple", disable_numparse=True)
    return table


def checkpoint_csv(runs: Sequence[RunResults]) -> str:
    """One line per claim, run and part."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV)
    for run in runs:
        for file, record in claims_of(run):
            model = file.provenance.get("model")
            digest = model.get("sha256", "") if isinstance(model, dict) else ""
            start = (file.circuit, record.claim, run.run, file.model, digest, record.verdict)
            writer.writerows((*start, *_numbers(part)) for part in record.parts)
            if not record.parts:
                writer.writerow(start)
    return text.getvalue()


def heading(run: RunResults) -> str:
    """The models of a run, which is what tells checkpoints apart; its name where it has none."""
    return ", ".join(dict.fromkeys(file.model for file in run.files if file.model)) or run.run


def _by_claim(run: RunResults) -> dict[tuple[str, str], ClaimRecord]:
    return {(file.circuit, record.claim): record for file, record in claims_of(run)}


def _cell(record: ClaimRecord | None) -> str:
    if record is None:
        return NOTHING
    if not record.parts:
        return record.verdict
    part = record.parts[0]
    return f"{record.verdict} {part.quantity} {numeral(part.estimate)}"


def _numbers(part: PartRecord) -> tuple[object, ...]:
    return (part.quantity, part.slice, part.expected, part.estimate, part.low, part.high, part.n)

"""The table: one line for each row, and what a reader has to know beside it."""

import textwrap
from collections.abc import Sequence

from tabulate import tabulate

from benchmarks import circuits, claims
from benchmarks.circuits import FileRow
from benchmarks.claims import ClaimsRow
from benchmarks.row import ALL_LOGITS, END_LOGITS, OURS, SPLICED, Row
from benchmarks.spliced import is_about_features, is_installed

HEADINGS = (
    "model", "tokens", "work", "ours s", "all logits: x", "END logits: x", "SAELens: x",
    "MiB ours/all/END", "floor s", "x floor", "done/needed", "difference", "timed", "load",
)  # fmt: skip
LEGEND = (
    "ours s: the whole work by circuitcheck, median over rounds (least to most). all logits, END logits: how many "
    "times longer run_with_hooks takes at its best batch size, with the unembedding at every token, and at END alone; "
    "for (f), whole passes by the engine. MiB: memory that a side added to what was held, at most ({meter}). "
    "floor: the matrix multiplications that the work cannot do without, at the rate measured here before each round. "
    "done/needed: multiplications that circuitcheck did for one more intervention, over those, in a middle layer. "
    "difference: largest between the sides, relative to the metric. timed: interventions that ours and theirs were "
    "timed on where not all; seconds are then of the whole work, ours scaled by the arithmetic that each layer needs, "
    "theirs by the number of passes (the one over the corrupt prompts is done beforehand and not counted). load: "
    "processes that wanted to run, over the minute before."
)


def lines_of(rows: Sequence[Row], files: Sequence[FileRow]) -> str:
    """The table as text."""
    body = [*map(_line, rows), *map(_file_line, files)]
    return tabulate(body, headers=HEADINGS, tablefmt="simple", disable_numparse=True)


def line_of(row: Row) -> str:
    """One row in a sentence, for those who wait for the table."""
    longer = ", ".join(f"{side} {row.faster(side)} times" for side in row.seconds if side != OURS)
    return (
        f"{row.setting.name}, {row.setting.length} tokens, {row.work.title}: {row.seconds[OURS]} s, {longer}"
    )


def legend(meter: str) -> str:
    """What the columns mean."""
    return textwrap.fill(LEGEND.format(meter=meter), 118)


def claims_line(row: ClaimsRow) -> str:
    """One sentence."""
    few, many = claims.FEW, claims.MANY
    met = "holds" if row.longer.median <= claims.ASKED else "does not hold"
    return (
        f"{row.model}: {many} claims over {len(claims.NODES)} interventions take {row.longer} times as long as {few}: "
        f"{row.seconds(many)} s against {row.seconds(few)} s; at most {claims.ASKED} was asked for, which {met}."
    )


def _line(row: Row) -> list[str]:
    memory = "/".join(_mebibytes(row.grown(side)) for side in (OURS, ALL_LOGITS, END_LOGITS))
    doubt = "" if row.agrees else " TOO LARGE"
    return [
        row.setting.name,
        str(row.setting.length),
        f"({row.work.key}) {row.work.title}",
        str(row.seconds[OURS]),
        str(row.faster(ALL_LOGITS)),
        str(row.faster(END_LOGITS)),
        _spliced(row),
        memory,
        f"{row.floor.median:.3g}",
        str(row.above_floor),
        f"{row.done:.2f}",
        f"{row.agreement.of_metric:.1e}{doubt}",
        _timed(row),
        f"{row.load:.1f}",
    ]


def _file_line(row: FileRow) -> list[str]:
    memory = f"{_mebibytes(row.grown(circuits.OURS))}/-/{_mebibytes(row.grown(circuits.WHOLE))}"
    doubt = "" if row.agrees else " TOO LARGE"
    rounds = len(row.raw[circuits.OURS])
    return [
        row.model, "-", f"(f) {row.name}, {row.conditions} conditions", str(row.seconds(circuits.OURS)), "-",
        str(row.faster), "-", memory, "-", "-", "-", f"{row.difference:.1e}{doubt}", f"{rounds} rounds, all",
        f"{row.load:.1f}",
    ]  # fmt: skip


def _timed(row: Row) -> str:
    rounds, whole = f"{len(row.raw[OURS])} rounds", len(row.work.interventions)
    ours, theirs = len(row.sample.ours), len(row.sample.theirs)
    if ours == theirs == whole:
        return f"{rounds}, all {whole}"
    return f"{rounds}, {ours} and {theirs} of {whole}"


def _spliced(row: Row) -> str:
    if SPLICED in row.seconds:
        return str(row.faster(SPLICED))
    about_features = all(map(is_about_features, row.work.interventions))
    return "not installed" if about_features and not is_installed() else "-"


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.0f}"

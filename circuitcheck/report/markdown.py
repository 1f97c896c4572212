"""`summary.md`: the verdicts for a pull request or a CI job's step summary, failures first.

In: `RunResults`. Out: GitHub-flavoured Markdown of at most 900 KB (a step summary above 1,024 KiB is
thrown away). Names, labels and prompts are other people's text and are escaped.
"""

from __future__ import annotations

import html
import re
from collections import Counter

from tabulate import tabulate

from circuitcheck.report.results import ClaimRecord, FileRecord, RunResults
from circuitcheck.report.terminal import claim_text, controls_text, verdict_word

MOST_BYTES = 900_000
_LONGEST_CELL = 300
_SPECIAL = re.compile(r"([\\`*_\[\]~|])")
_HEADERS = ("claim", "verdict", "measured and expected", "says")
_WORDS = {"known": "known failure", "SUPPORTED": "unexpected support", "ERROR": "error"}
_ORDER = ("refuted", "unexpected support", "error", "inconclusive", "measured", "known failure", "supported")


def escape(text: str) -> str:
    """Text as Markdown shows it literally inside a table cell: no HTML, no pipes, no line breaks."""
    flat = " ".join(text.split())
    if len(flat) > _LONGEST_CELL:
        flat = flat[: _LONGEST_CELL - 3] + "..."
    return _SPECIAL.sub(r"\\\1", html.escape(flat, quote=False))


def summary(results: RunResults) -> str:
    """The whole summary; rows that do not fit are counted, not dropped in silence."""
    claims = sorted(_claims(results), key=lambda pair: (not _drifted(pair[1]), _ORDER.index(_word(pair[1]))))
    parts = [_title(claims, results), *_failed_setup(results), "", "", "", _environment(results)]
    room = MOST_BYTES - sum(len(part.encode()) + 2 for part in parts) - 200
    rows = [_row(file, record) for file, record in claims]
    table, left_out = _fitting_table(rows, room)
    parts[-3] = table
    parts[-2] = f"{left_out} more claims are in `results.json`." if left_out else ""
    return "\n\n".join(part for part in parts if part) + "\n"


def _claims(results: RunResults) -> list[tuple[FileRecord, ClaimRecord]]:
    return [(file, record) for file in results.files for record in file.claims]


def _word(record: ClaimRecord) -> str:
    word = verdict_word(record)
    return _WORDS.get(word, word.lower())


def _title(claims: list[tuple[FileRecord, ClaimRecord]], results: RunResults) -> str:
    counts = Counter(_word(record) for _, record in claims)
    said = [f"{counts[word]} {word}" for word in ("supported", *_ORDER[:-1]) if counts[word]]
    end = " (interrupted)" if results.interrupted else ""
    if drifted := sum(_drifted(record) for _, record in claims):
        end = f"; {drifted} not as in the baseline{end}"
    return f"### circuits: {', '.join(said) or 'nothing was measured'}{end}"


def _drifted(record: ClaimRecord) -> bool:
    """Whether the claim fails by the baseline, whatever its verdict."""
    return record.since_baseline is not None and record.since_baseline.fails


def _failed_setup(results: RunResults) -> list[str]:
    return [
        f"**{escape(file.path)} {escape(setup.name)}** failed: {escape(setup.message)}"
        for file in results.files
        for setup in file.setup
        if not setup.ok
    ]


def _row(file: FileRecord, record: ClaimRecord) -> tuple[str, ...]:
    place = f"{file.path}:{record.line}" if record.line else file.path
    claim = f"**{escape(record.claim)}** {escape(place)}"
    measured = escape(claim_text(record))
    if controls := controls_text(record):
        measured += f"<br>controls: {escape(controls)}"
    if record.since_baseline and record.since_baseline.word not in {"identical", "unchanged"}:
        measured += f"<br>baseline: {escape(record.since_baseline.sentence)}"
    return claim, _word(record), measured, escape(record.says)


def _fitting_table(rows: list[tuple[str, ...]], room: int) -> tuple[str, int]:
    """The table of the first rows that fit into `room` bytes, and how many rows were left out."""
    kept = len(rows)
    while kept:
        table: str = tabulate(rows[:kept], _HEADERS, tablefmt="github", disable_numparse=True)
        size = len(table.encode())
        if size <= room:
            return table, len(rows) - kept
        kept = min(kept - 1, kept * room // size)
    return "", len(rows)


def _environment(results: RunResults) -> str:
    facts = [f"model {name}" for name in dict.fromkeys(file.model for file in results.files) if name]
    facts += [f"{name} {value}" for name, value in results.environment.items()]
    if not facts:
        return ""
    # A list, because a summary may hold more models than fit a table cell.
    items = "\n".join(f"- {escape(fact)}" for fact in facts)
    return f"<details><summary>environment</summary>\n\n{items}\n\n</details>"

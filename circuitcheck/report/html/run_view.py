"""What the page shows of a whole run."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from circuitcheck.report.html.file_view import FileView, Pair, file_view
from circuitcheck.report.html.glossary import TERMS, Term
from circuitcheck.report.html.status import STATUSES, SUPPORTED, Status
from circuitcheck.report.html.words import QUANTITIES
from circuitcheck.report.results import RunResults

_ALWAYS_COUNTED = {"supported", "refuted", "inconclusive"}
"""That none is refuted is worth a line too."""
_MANY = 60
"""Claims that a browser lays out in a blink."""


@dataclass(frozen=True)
class RunView:
    """The top of the page, and its files."""

    run: str
    headline: str
    when: str
    took: str
    models: tuple[str, ...]
    command: str
    interrupted: bool
    counts: tuple[tuple[Status, int], ...]
    terms: tuple[Term, ...]
    quantities: tuple[Pair, ...]
    environment: tuple[Pair, ...]
    files: tuple[FileView, ...]
    failed_setup: int

    @property
    def is_long(self) -> bool:
        """Whether a browser should not lay out all of it before it shows the top."""
        return sum(len(file.claims) for file in self.files) > _MANY


def run_view(results: RunResults) -> RunView:
    """What the page shows of a run."""
    files = tuple(file_view(file, number) for number, file in enumerate(results.files, 1))
    counted = Counter(claim.status.key for file in files for claim in file.claims)
    counts = tuple(
        (status, counted[status.key])
        for status in _reading_order()
        if counted[status.key] or status.key in _ALWAYS_COUNTED
    )
    failed_setup = sum(not item.ok for file in files for item in file.setup)
    errors = failed_setup + sum(bool(file.error) for file in files)
    used = {part.quantity for file in results.files for claim in file.claims for part in claim.parts}
    return RunView(
        run=results.run,
        headline=headline(counts, errors),
        when=moment(results.started),
        took="" if results.seconds is None else duration(results.seconds),
        models=tuple(dict.fromkeys(file.model for file in results.files if file.model)),
        command=shlex.join(results.command),
        interrupted=results.interrupted,
        counts=counts,
        terms=TERMS,
        quantities=tuple((name, meaning) for name, meaning in QUANTITIES.items() if name in used),
        environment=tuple(results.environment.items()),
        files=files,
        failed_setup=failed_setup,
    )


def headline(counts: tuple[tuple[Status, int], ...], setup_errors: int = 0) -> str:
    """The run in one sentence."""
    total = sum(number for _, number in counts)
    if not total:
        return "No claim was measured."
    attention = sum(number for status, number in counts if status.needs_attention)
    claims = f"{total} claim{'s' if total > 1 else ''}"
    if attention:
        need = "needs" if attention == 1 else "need"
        return f"{attention} of {claims} {need} attention."
    if setup_errors:
        return f"{claims} measured, but a setup check failed."
    return f"{claims}: all came out as {'its file says' if total == 1 else 'their files say'}."


def moment(started: str) -> str:
    """`22 November 2026, 09:35:12 UTC`; the text as it is where it is no time."""
    try:
        time = datetime.fromisoformat(started)
    except ValueError:
        return started
    return f"{time.day} {time:%B %Y, %H:%M:%S} {time.tzname() or ''}".strip()


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `1 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _reading_order() -> tuple[Status, ...]:
    """Good news first, then what asks for attention."""
    return (SUPPORTED, *(status for status in STATUSES if status != SUPPORTED))

"""Lines that GitHub Actions turns into marks beside the claims of a pull request.

In: `FileRecord`s. Out: workflow commands, `::error file=..,line=..,title=..::message`, as GitHub's
documentation of workflow commands has them. Names and messages are other people's text and are escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from circuitcheck.report.results import ClaimRecord, FileRecord
from circuitcheck.report.terminal import claim_text, verdict_word

MOST = 10
"""Errors, and warnings, of one step that GitHub shows; it drops the others in silence."""
_LONGEST = 1000
_LEVELS: dict[str, Literal["error", "warning"]] = {
    "REFUTED": "error",
    "SUPPORTED": "error",
    "ERROR": "error",
    "inconclusive": "warning",
}
"""By the word of the terminal's table, worst first; other claims are as they should be."""
_TITLES = {"SUPPORTED": "supported, against its known_failure", "ERROR": "error", "REFUTED": "refuted"}


@dataclass(frozen=True)
class Annotation:
    """One mark; `line` is 1-based, 0 for a mark on the whole file."""

    level: Literal["error", "warning"]
    path: str
    line: int
    title: str
    message: str

    def __str__(self) -> str:
        """The workflow command, on one line."""
        place = {"file": self.path, "line": str(self.line) if self.line else "", "title": self.title}
        properties = ",".join(f"{name}={_property(value)}" for name, value in place.items() if value)
        return f"::{self.level} {properties}::{_data(self.message)}"


def annotation_lines(files: Sequence[FileRecord], path_of: Callable[[str], str]) -> tuple[str, ...]:
    """The commands, worst first, no more than GitHub shows, and a notice of how many were left out.

    `path_of` gives a file's path from the root of the repository, which is how GitHub knows it.
    """
    every = [mark for file in files for mark in _of_file(file, path_of(file.path))]
    lines, left_out = list[str](), list[str]()
    for level in ("error", "warning"):
        marks = [mark for mark in every if mark.level == level]
        # Verdicts come before what could not be measured or set up; sorting keeps the order of files.
        marks.sort(key=lambda mark: not mark.title.endswith(_TITLES["REFUTED"]))
        lines += map(str, marks[:MOST])
        more = len(marks) - MOST
        if more > 0:
            left_out.append(f"{more} more {level}{'s' if more > 1 else ''}")
    if left_out:
        said = f"{' and '.join(left_out)} than GitHub shows; all are in the step summary and in the report."
        lines.append(f"::notice title=circuitcheck::{_data(said)}")
    return tuple(lines)


def _of_file(file: FileRecord, path: str) -> Iterator[Annotation]:
    if file.error:
        yield Annotation("error", path, 0, f"{file.circuit}: nothing could be measured", _short(file.error))
    for setup in file.setup:
        if not setup.ok:
            yield Annotation("error", path, 0, f"{file.circuit}: {setup.name} failed", _short(setup.message))
    for record in file.claims:
        word = verdict_word(record)
        if word in _LEVELS:
            yield _of_claim(record, word, path)
        if (since := record.since_baseline) and since.fails:
            title = f"{record.claim}: not as in the baseline"
            yield Annotation("error", path, record.line, title, _short(since.sentence))


def _of_claim(record: ClaimRecord, word: str, path: str) -> Annotation:
    title = f"{record.claim}: {_TITLES.get(word, word)}"
    message = "\n".join(filter(None, (claim_text(record), record.says)))
    return Annotation(_LEVELS[word], path, record.line, title, _short(message))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _data(text: str) -> str:
    """A message, in which only these three signs mean something."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """The value of a property, which a colon or a comma would end."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")

"""Shows that the corpus of a seed keeps clear of what the model is evaluated on.

`python -m circuitcheck.training.proof` goes through every document of the shipped model's corpus and prints what it
found; it exits with 1 when the corpus shows what it must not. The checks are written here once more from their
definition, and share no code with what keeps the corpus clean while it is written.
"""

from __future__ import annotations

import argparse
import re
import string
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from circuitcheck.training.clauses import frozen_shapes
from circuitcheck.training.courses import COURSES, POOL_BATCHES, pool_documents, pool_generator
from circuitcheck.training.documents import Document
from circuitcheck.training.family import frozen_templates
from circuitcheck.training.figures import read_figures

LEAST_OCCURRENCES = 200
CONSECUTIVE = 4
_NO_MARKS = str.maketrans("", "", string.punctuation)


@dataclass
class Findings:
    """What was found in a corpus.

    Attributes:
        documents: How many were read.
        repeated: Four consecutive fixed words of a frozen template, and a document that has them.
        seen_shapes: Frozen templates whose clause types some document has.
        occurrences: Each word of the frozen templates, and how often the corpus has it.
    """

    documents: int = 0
    repeated: dict[str, str] = field(default_factory=dict)
    seen_shapes: set[str] = field(default_factory=set)
    occurrences: Counter[str] = field(default_factory=Counter)

    @property
    def rare(self) -> dict[str, int]:
        """Words that occur too seldom."""
        return {word: count for word, count in self.occurrences.items() if count < LEAST_OCCURRENCES}

    @property
    def clean(self) -> bool:
        """Whether the evaluation is fair: unseen wording and shapes, known words."""
        return self.documents > 0 and not (self.repeated or self.seen_shapes or self.rare)


def examine(documents: Iterable[Document]) -> Findings:
    """Looks for frozen wording and frozen shapes, and counts the frozen words."""
    words = {word for template in frozen_templates().values() for run in _fixed(template) for word in run}
    wording = {run for template in frozen_templates().values() for run in _runs_of_template(template)}
    templates = {shape: template for template, shape in frozen_shapes().items()}
    findings = Findings(occurrences=Counter(dict.fromkeys(sorted(words), 0)))
    for document in documents:
        findings.documents += 1
        spoken = _words(document.text)
        findings.occurrences.update(word for word in spoken if word in words)
        for run in wording.intersection(_runs(spoken)):
            findings.repeated[run] = document.text
        if document.shape in templates:
            findings.seen_shapes.add(templates[document.shape])
    return findings


def corpus_of(seed: int) -> Iterator[Document]:
    """Every document that a seed is trained on, course after course."""
    for course in COURSES:
        for first_step in range(0, course.steps, POOL_BATCHES):
            yield from pool_documents(course, pool_generator(course, seed, first_step), first_step)


def main() -> None:
    """Reads the command line and prints what was found."""
    parser = argparse.ArgumentParser(prog="python -m circuitcheck.training.proof", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=read_figures().chosen.seed, help="the corpus of this seed"
    )
    given = parser.parse_args()
    findings = examine(corpus_of(given.seed))
    sys.stdout.write(_told(findings))
    sys.exit(0 if findings.clean else 1)


def _told(findings: Findings) -> str:
    word, count = min(findings.occurrences.items(), key=lambda item: item[1])
    lines = [
        f"{findings.documents} documents against {len(frozen_templates())} frozen templates",
        f"runs of {CONSECUTIVE} frozen words in the corpus: {len(findings.repeated)}",
        *(f"  {run!r} in {text!r}" for run, text in findings.repeated.items()),
        f"frozen clause sequences in the corpus: {', '.join(sorted(findings.seen_shapes)) or 'none'}",
        f"rarest of {len(findings.occurrences)} frozen words: {word}, {count} times",
        *(f"  too rare: {word}, {count} times" for word, count in findings.rare.items()),
    ]
    return "\n".join(lines) + "\n"


def _fixed(template: str) -> list[list[str]]:
    """The fixed words of a template, one list per stretch between slots."""
    return [_words(stretch) for stretch in re.split(r"{.*?}", template)]


def _runs_of_template(template: str) -> Iterator[str]:
    for stretch in _fixed(template):
        yield from _runs(stretch)


def _runs(words: list[str]) -> Iterator[str]:
    for start in range(len(words) - CONSECUTIVE + 1):
        yield " ".join(words[start : start + CONSECUTIVE])


def _words(text: str) -> list[str]:
    """Words without case and punctuation."""
    return text.translate(_NO_MARKS).lower().split()


if __name__ == "__main__":
    main()

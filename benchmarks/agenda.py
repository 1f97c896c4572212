"""What one command times: the default set, or what its flags ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.circuits import SHORT, files_for
from benchmarks.models import NAMES
from benchmarks.widened import NAME as WIDE
from benchmarks.widened import SMALL
from benchmarks.works import WHOLE_FILES, WORKS, works_called

FULLY = "gpt2-small"
"""The model that the default set asks for everything."""
LENGTH = 16


@dataclass(frozen=True)
class Job:
    """Some works on one model with prompts of one length."""

    model: str
    length: int
    works: tuple[str, ...]


@dataclass(frozen=True)
class Agenda:
    """Works in memory, and circuit files as (model, name)."""

    jobs: tuple[Job, ...]
    files: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, models: Sequence[str], works: Sequence[str], lengths: Sequence[int]) -> "Agenda":
        """What these flags ask for; what is not said is chosen.

        Without any flag: every work on `FULLY` at 16 tokens, every head at END and at 10/16 on the other
        models, and two short circuit files. Lengths alone ask for every head at END, on `FULLY`.

        Raises:
            ValueError: for a model or a work that there is none of.
        """
        if not (models or works or lengths):
            jobs = tuple(Job(name, LENGTH, _usual(name)) for name in NAMES)
            return cls(jobs, tuple((SMALL, name) for name in SHORT))
        if unknown := set(models) - {*NAMES, WIDE}:
            msg = f"there is no model {min(unknown)!r} to time; choose among {', '.join((*NAMES, WIDE))}."
            raise ValueError(msg)
        letters = works or (("a",) if lengths else ())
        asked = tuple(dict.fromkeys(key for letter in letters for key in works_called(letter)))
        in_memory = tuple(key for key in asked if key != WHOLE_FILES)
        jobs = tuple(
            Job(name, length, in_memory or _usual(name))
            for name in (models or [FULLY])
            for length in (lengths or [LENGTH])
            if in_memory or not asked
        )
        about = [name for name in models if name in {SMALL, WIDE}] or [SMALL]
        files = ((name, file) for name in about for file in files_for(name)) if WHOLE_FILES in asked else ()
        return cls(jobs, tuple(files))


def _usual(model: str) -> tuple[str, ...]:
    """What the default set asks of a model."""
    return tuple(WORKS) if model == FULLY else ("a", "b")

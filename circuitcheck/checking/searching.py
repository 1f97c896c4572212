"""Searches for a prompt that breaks a claim about every prompt (`for_all`), and shrinks it.

In: a claim, and where its prompts come from. Out: a `Finding`. Hypothesis draws the prompts, which are measured in
batches; where one breaks the claim, it draws them again, from the same seed, and shrinks that one. A source of no more
prompts than are asked for is tried whole, simplest prompt first, and needs no shrinking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from circuitcheck.checking.searching_draws import Source
from circuitcheck.checking.searching_memory import Memory
from circuitcheck.checking.searching_trials import Trials
from circuitcheck.claims.noop import share_changed
from circuitcheck.claims.universal import changed_rows
from circuitcheck.claims.universal_verdicts import Counterexample, Finding
from circuitcheck.errors import MeasurementError
from circuitcheck.prompts.populations import Example

FIRST_BATCH = 32
"""Prompts that are measured at once at first; then twice as many each time."""

_NO_DONOR = (
    "for_all finds no donor: no two prompts of the same template and order have their words at the same tokens. "
    "Write with: corrupt, mean or zero."
)


@dataclass
class Search:
    """The search of one claim; `tell` is called with the numbers of prompts tried and wanted."""

    trials: Trials
    source: Source
    memory: Memory
    tell: Callable[[int, int], None]
    tried: dict[tuple[str, ...], Example] = field(default_factory=dict)
    """Up to the first that breaks the claim; without those whose donor changes nothing."""

    @cached_property
    def everything(self) -> tuple[Example, ...] | None:
        """All prompts that there are, where they are no more than wanted."""
        return self.source.all_there_are()

    @cached_property
    def ahead(self) -> dict[tuple[str, ...], Example]:
        """What is going to be tried as long as nothing breaks the claim, in this order."""
        coming = self.source.drawn() if self.everything is None else self.everything
        return {example.key: example for example in coming}

    def finding(self) -> Finding:
        """Search until a prompt breaks the claim, or as many as wanted have been tried.

        Raises:
            CircuitCheckError: a prompt cannot be measured, or the intervention changes nothing on any prompt.
        """
        if not self.ahead:
            raise MeasurementError(_NO_DONOR)
        # One prompt cannot show that an intervention does nothing, so there is a batch even where it breaks the claim.
        self.trials.measure(next(self._batches))
        found = self._found() if self.everything is not None else self._remembered() or self._found()
        measured = [example for example in self.ahead.values() if self.trials.is_known(example)]
        return Finding(
            tried=self.trials.case(list(self.tried.values())),
            wanted=self.source.wanted,
            drawn=len(self.ahead),
            is_all=self.everything is not None,
            counterexample=found,
            changed=share_changed(self.trials.case(measured)),
        )

    def _remembered(self) -> Counterexample | None:
        """What an earlier run found and shrunk, where it still breaks the claim."""
        for example in self.memory.recalled():
            self.trials.measure([example])
            if self._breaks(example):
                return self._counterexample(example, is_shrunk=True, is_remembered=True)
            self.memory.forget(example)
        return None

    def _found(self) -> Counterexample | None:
        """The first prompt that breaks the claim, shrunk, unless it is the simplest anyway."""
        first = next((example for example in self.ahead.values() if self._breaks(example)), None)
        if first is None:
            return None
        if self.everything is not None:
            return self._counterexample(first)
        simplest = self.source.simplest(self._still_breaks)
        self.memory.keep(simplest or first)
        return self._counterexample(simplest or first, is_shrunk=simplest is not None)

    def _breaks(self, example: Example) -> bool:
        """Whether an example breaks the claim; what comes ahead is measured along with it."""
        while not self.trials.is_known(example):
            self.trials.measure(next(self._batches))
        if not self.trials.is_idle(example):
            self.tried.setdefault(example.key, example)
        self.tell(len(self.tried), self.source.wanted)
        return self.trials.breaks(example)

    def _still_breaks(self, example: Example) -> bool:
        """Whether an example breaks the claim that Hypothesis tries while it shrinks; those come one by one."""
        self.trials.measure([example])
        self.tell(len(self.tried), self.source.wanted)
        return self.trials.breaks(example)

    def _counterexample(
        self, example: Example, *, is_shrunk: bool = False, is_remembered: bool = False
    ) -> Counterexample:
        case = self.trials.case([example])
        return Counterexample(example, case, is_shrunk, is_remembered, bool(changed_rows(case)[0]))

    @cached_property
    def _batches(self) -> Iterator[list[Example]]:
        """All that is ahead, in batches of which each is twice as large as the one before."""
        return batched(list(self.ahead.values()))


def batched(examples: list[Example]) -> Iterator[list[Example]]:
    """The examples in batches of `FIRST_BATCH`, then twice as many, and so on."""
    start, size = 0, FIRST_BATCH
    while start < len(examples):
        yield examples[start : start + size]
        start, size = start + size, 2 * size

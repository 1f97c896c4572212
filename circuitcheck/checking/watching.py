"""A claim on its way through its looks: measured a little further each time, until it is settled.

In: a claim with its prompts in stretches. Out: the assessment that its verdict is told from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from circuitcheck.checking.stretches import Stretches, joined, of_requests
from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import Aliases
from circuitcheck.claims.judging import Assessment, assess, rulings
from circuitcheck.engine import Measurement, Request, Shape
from circuitcheck.errors import MeasurementError
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.statistics import Look, smallest
from circuitcheck.verdict import Outcome

_SIDES = {Outcome.SUPPORTED: "support", Outcome.REFUTED: "refute"}
"""The p-value that a settled claim owes its verdict to."""


@dataclass
class Watch:
    """One claim, what was measured for it so far, and what each look made of that.

    `obstacle` is why it cannot be judged whatever its numbers, such as a model that fails its task. Claims that
    judge nothing are told from all prompts, at one look. With `to_the_end` what is settled is measured on, so that
    other runs can be compared with all of it; its verdict stays as it was.
    """

    claim: Claim
    spec: CircuitSpec
    stretches: Stretches
    requests: Sequence[Request]
    mlp_aliases: Aliases
    shape: Shape
    obstacle: str = ""
    to_the_end: bool = False
    is_settled: bool = False
    error: str = ""
    """Why it cannot be measured, "" where it can."""
    elsewhere: Case | None = None
    """What it says of other prompts, measured."""
    _measured: list[Measurement] = field(default_factory=list)
    _assessments: list[Assessment] = field(default_factory=list)

    @property
    def looks(self) -> tuple[Look, ...]:
        """When it is looked at."""
        return self.stretches.looks

    @property
    def is_open(self) -> bool:
        """Whether it is measured any further."""
        is_done = self.error or len(self._measured) == len(self.looks)
        return not is_done and (self.to_the_end or not self.is_settled)

    @property
    def latest(self) -> Assessment | None:
        """What the last look made of it."""
        return self._assessments[-1] if self._assessments else None

    def add(self, measured: Measurement) -> None:
        """Take in what was measured on the next stretch, and look at all so far."""
        self._measured.append(of_requests(measured, self.requests))
        look = self.looks[len(self._measured) - 1]
        is_last = look == self.looks[-1]
        if self.is_settled or (not is_last and not self._is_judged):
            return
        try:
            self._assessments.append(self._assess(look, is_last=is_last))
        except MeasurementError as error:
            if is_last:  # what is idle on few prompts may not be on many
                self.fail(str(error))
        if is_last or self.obstacle:
            self.is_settled = True

    def fail(self, error: str) -> None:
        """It cannot be measured."""
        self.error = error

    def told(self, ruling: Outcome) -> Assessment | None:
        """What the verdict is told from: the look that settled it, else the last; None where it failed."""
        if self.error or not self._assessments:
            return None
        found = self._assessments[-1]
        if ruling in _SIDES:
            side = _SIDES[ruling]
            found = min(self._assessments, key=lambda one: getattr(one.own_tails, side, 1.0))
        return replace(found, paired=self._case()) if self.to_the_end else found

    @property
    def _is_judged(self) -> bool:
        return any(threshold.judged for threshold in self.claim.thresholds.values())

    def _assess(self, look: Look, *, is_last: bool) -> Assessment:
        if not self._is_judged:
            look = Look(look.n, 1.0)
        before = [tails for one in self._assessments if (tails := one.own_tails) is not None]
        return assess(self._case(), self.obstacle, look, smallest(before) if before else None)

    def _case(self) -> Case:
        """The claim with all that was measured so far."""
        prompts = self.stretches.so_far[len(self._measured) - 1]
        measured = joined(self._measured)
        return Case(self.claim, self.spec, prompts, measured, self.mlp_aliases, self.shape, self.elsewhere)


def settle(watches: Sequence[Watch]) -> None:
    """Close what is supported or refuted by now, corrected for all claims of the file as the file says."""
    for watch, ruling in _ruled(watches):
        if ruling in _SIDES:
            watch.is_settled = True


def told(watches: Sequence[Watch]) -> list[Assessment]:
    """What the verdicts are told from, of those that could be measured, in order."""
    return [found for watch, ruling in _ruled(watches) if (found := watch.told(ruling)) is not None]


def _ruled(watches: Sequence[Watch]) -> list[tuple[Watch, Outcome]]:
    """What every claim that could be measured comes out as by now."""
    latest = [(watch, one) for watch in watches if (one := watch.latest) is not None and not watch.error]
    found = rulings([one for _, one in latest])
    return [(watch, ruling) for (watch, _), ruling in zip(latest, found, strict=True)]

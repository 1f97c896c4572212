"""Claims about every prompt: what each prompt has to meet, and which prompts break it.

In: what was measured on some prompts. Out: `Demand`s. On one prompt a quantity is a number, or N over D; a threshold t
is met where N - t D is on its side of zero and D above zero, so that nothing is divided to decide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from circuitcheck.claims.case import Case
from circuitcheck.claims.noop import UNCHANGED
from circuitcheck.claims.questions import Question, questions_of
from circuitcheck.engine import Condition, KeepOnly, Replace, Request, Route, Source, Values
from circuitcheck.prompts.populations import SidesRead

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Demand:
    """One threshold that every prompt has to meet, with the numbers of some prompts; `case` says of which claim."""

    case: Case
    question: Question

    @property
    def has_no_denominator(self) -> Rows:
        """Where the quantity means nothing, since what it is a share of is not above zero; shape (n,)."""
        below = self.question.sample.denominator
        return np.zeros(self.question.sample.n, dtype=np.bool_) if below is None else np.asarray(below <= 0)

    @property
    def margins(self) -> Values:
        """How far each prompt is on the right side of the nearest bound; negative on the wrong side; shape (n,).

        Where the denominator is not above zero, minus infinity.
        """
        sample, threshold = self.question.sample, self.question.threshold
        below = np.ones(sample.n) if sample.denominator is None else sample.denominator
        margins = np.full(sample.n, np.inf)
        if threshold.low is not None:
            margins = np.minimum(margins, sample.numerator - threshold.low * below)
        if threshold.high is not None:
            margins = np.minimum(margins, threshold.high * below - sample.numerator)
        return np.where(self.has_no_denominator, -np.inf, margins)

    @property
    def is_broken(self) -> Rows:
        """The prompts that break it, shape (n,)."""
        return np.asarray(self.margins < 0)

    def value(self, row: int) -> float | None:
        """The quantity on one prompt; None where it means nothing."""
        sample = self.question.sample
        if self.has_no_denominator[row]:
            return None
        return float(sample.numerator[row] / (1.0 if sample.denominator is None else sample.denominator[row]))


def demands_of(case: Case) -> list[Demand]:
    """Everything that each prompt has to meet: every expectation, of every node, with every replacement."""
    # One prompt is too few for slices, and in all of them the demand is the same.
    whole = replace(case, claim=case.claim.model_copy(update={"by": ()}))
    return [Demand(whole, question) for question in questions_of(whole)]


def broken_rows(case: Case) -> Rows:
    """The prompts of a case that break the claim, shape (n,)."""
    return np.asarray(np.any([demand.is_broken for demand in demands_of(case)], axis=0))


def changed_rows(case: Case) -> Rows:
    """The prompts on which the claim's interventions change something, shape (n,); all where it has none."""
    moved = [(changes >= UNCHANGED).any(axis=1) for changes in case.measurement.changes.values()]
    return np.asarray(np.any(moved, axis=0)) if moved else np.ones(len(case.prompts), dtype=np.bool_)


def sides_read(requests: list[Request]) -> SidesRead:
    """What the requests read of a prompt besides its clean side."""
    sources = [source for request in requests if (source := _source(request.condition))]
    corrupt = any(request.condition.side == "corrupt" for request in requests)
    lender = next((source.over for source in sources if source.kind == "resample"), None)
    return SidesRead(corrupt or any(source.kind == "corrupt" for source in sources), lender)


def from_the_donor(condition: Condition) -> Condition:
    """The condition with `corrupt` for `resample`: on a pair whose corrupt side is the donor's, both are the same."""
    done, source = condition.intervention, _source(condition)
    if not isinstance(done, Replace | KeepOnly | Route) or source is None or source.kind != "resample":
        return condition
    return Condition(condition.side, replace(done, source=Source("corrupt")))


def _source(condition: Condition) -> Source | None:
    """Where values come from that are put in; None where none are, or where they are computed in place."""
    done = condition.intervention
    return done.source if isinstance(done, Replace | KeepOnly | Route) else None

"""Tries a claim on single prompts: measures them, a batch at a time where it can, and says which break the claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import Aliases
from circuitcheck.claims.planning import requests_of
from circuitcheck.claims.universal import broken_rows, changed_rows, from_the_donor, sides_read
from circuitcheck.engine import Condition, Engine, Errand, Measurement, Plan, Request, Values
from circuitcheck.errors import PromptError
from circuitcheck.prompts.pairs import PromptPair, PromptSet
from circuitcheck.prompts.populations import Example, SidesRead
from circuitcheck.prompts.token_faults import PairFault, pair_tokens
from circuitcheck.prompts.tokenise import tokenise
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.spec import CircuitSpec, Claim


@dataclass(frozen=True)
class Trial:
    """One example with what was measured on it; `changes` has shape (nodes,) for each condition.

    `is_idle` says that its donor lends the values that are there already, so that nothing was tried.
    """

    example: Example
    values: Mapping[Request, float]
    changes: Mapping[Condition, Values]
    breaks: bool
    is_idle: bool


@dataclass
class Trials:
    """Tries one claim on examples, on each of them once."""

    claim: Claim
    spec: CircuitSpec
    engine: Engine
    tokenizer: Tokenizer
    references: PromptSet
    mlp_aliases: Aliases
    seed: int
    known: dict[tuple[str, ...], Trial] = field(default_factory=dict)
    """By the key of the example."""

    @cached_property
    def requests(self) -> list[Request]:
        """What the claim reads of each prompt."""
        return requests_of(self.claim, self.spec, self.mlp_aliases)

    @cached_property
    def sides(self) -> SidesRead:
        """What the claim reads of an example besides the clean side of its pair."""
        return sides_read(self.requests)

    def suits(self, example: Example) -> bool:
        """Whether the donor, if there is one, has the tokens of its roles where the prompt has them."""
        if example.donor is None or not self._fits(example.pair):
            return True  # a pair that does not fit the tokenizer is told when it is measured
        return self._fits(example.donated)

    def is_known(self, example: Example) -> bool:
        """Whether it was tried before."""
        return example.key in self.known

    def breaks(self, example: Example) -> bool:
        """Whether an example that was tried breaks the claim."""
        return self.known[example.key].breaks

    def is_idle(self, example: Example) -> bool:
        """Whether the donor of an example that was tried lends what is there already."""
        return self.known[example.key].is_idle

    def measure(self, examples: Sequence[Example]) -> None:
        """Try those that were not tried before.

        Raises:
            CircuitCheckError: one of them cannot be measured.
        """
        new = list({example.key: example for example in examples if not self.is_known(example)}.values())
        if not new:
            return
        case = self._measured(new)
        measured, broken, changed = case.measurement, broken_rows(case), changed_rows(case)
        for row, example in enumerate(new):
            values = {request: float(numbers[row]) for request, numbers in measured.values.items()}
            changes = {condition: moved[row] for condition, moved in measured.changes.items()}
            is_idle = example.donor is not None and not changed[row]
            breaks = bool(broken[row]) and not is_idle
            self.known[example.key] = Trial(example, values, changes, breaks, is_idle)

    def case(self, examples: Sequence[Example]) -> Case:
        """The claim on examples that were tried, in this order."""
        trials = [self.known[example.key] for example in examples]
        requests, conditions = (trials[0].values, trials[0].changes) if trials else ((), ())
        measured = Measurement(
            {request: np.array([trial.values[request] for trial in trials]) for request in requests},
            {condition: np.stack([trial.changes[condition] for trial in trials]) for condition in conditions},
        )
        return self._case(self._tokenised([example.pair for example in examples]), measured)

    def errands(self, examples: Sequence[Example]) -> list[Errand]:
        """What is measured to try them, the errand of donors first.

        What is taken from donors is read of pairs whose corrupt sides are theirs. So is all else in the same go,
        unless something reads the corrupt sides that the prompts have themselves.

        Raises:
            PromptError: one of them does not fit the tokenizer.
        """
        own = self._tokenised([example.pair for example in examples])
        if self.sides.donor is None:
            return [Errand(own, self.references, Plan.of(self.requests))]
        lent = self._tokenised([example.donated for example in examples])
        taking = [_from_the_donor(each) for each in self.requests if _takes(each)]
        others = [each for each in self.requests if not _takes(each)]
        if not (self.sides.corrupt and others):
            return [Errand(lent, self.references, Plan.of(taking + others))]
        return [
            Errand(lent, self.references, Plan.of(taking)),
            Errand(own, self.references, Plan.of(others)),
        ]

    def _measured(self, examples: Sequence[Example]) -> Case:
        errands = self.errands(examples)
        done = [self.engine.measure(each.plan, each.prompts, each.references) for each in errands]
        lent, own = done[0], done[-1]
        values = {
            each: lent.values[_from_the_donor(each)] if _takes(each) else own.values[each]
            for each in self.requests
        }
        changes = {each.condition: self._changes(each, lent, own) for each in self.requests}
        known = {condition: moved for condition, moved in changes.items() if moved is not None}
        prompts = self._tokenised([example.pair for example in examples])
        return self._case(prompts, Measurement(values, known))

    def _changes(self, request: Request, lent: Measurement, own: Measurement) -> Values | None:
        if _takes(request):
            return lent.changes.get(from_the_donor(request.condition))
        return own.changes.get(request.condition)

    def _case(self, prompts: PromptSet, measured: Measurement) -> Case:
        return Case(self.claim, self.spec, prompts, measured, self.mlp_aliases, self.engine.shape)

    def _tokenised(self, pairs: Sequence[PromptPair]) -> PromptSet:
        try:
            return tokenise(pairs, self.tokenizer, bos=self.spec.prompts.bos, seed=self.seed)
        except PromptError as error:
            msg = f"for_all drew a prompt that cannot be measured: {error}"
            raise PromptError(msg) from error

    def _fits(self, pair: PromptPair) -> bool:
        try:
            pair_tokens(pair, self.tokenizer)
        except PairFault:
            return False
        return True


def _takes(request: Request) -> bool:
    """Whether the request is about values that a donor lends."""
    return from_the_donor(request.condition) != request.condition


def _from_the_donor(request: Request) -> Request:
    return Request(from_the_donor(request.condition), request.reading)

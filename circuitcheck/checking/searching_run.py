"""Judges the claims about every prompt (`for_all`) of one file, each by a search of its own.

In: a prepared file. Out: verdicts, and errors of claims that cannot be measured, as `ClaimRun` gives them for the
others. These claims have no p-values, so they take no part in the correction over the claims of the file, nor in looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from circuitcheck.checking.preparing import Prepared
from circuitcheck.checking.running import Judged, corruption_of
from circuitcheck.checking.searching import Search, batched
from circuitcheck.checking.searching_draws import Source
from circuitcheck.checking.searching_memory import Memory
from circuitcheck.checking.searching_trials import Trials
from circuitcheck.claims.case import Case
from circuitcheck.claims.evidence import population_of as named_population
from circuitcheck.claims.universal_verdicts import unsearched, verdict_of
from circuitcheck.engine import Errand, Measurement, Progress
from circuitcheck.errors import CircuitCheckError
from circuitcheck.prompts.build import population_of
from circuitcheck.spec import Claim
from circuitcheck.verdict import Verdict

COUNTEREXAMPLES = Path(".hypothesis") / "circuitcheck"
"""Where counterexamples are remembered, unless told otherwise; from the current folder."""


@dataclass(frozen=True)
class UniversalRun:
    """Searches for counterexamples to claims of one file; remembers them in `folder`, or where they are by default."""

    prepared: Prepared
    folder: Path | None = None
    progress: Progress | None = None

    def judge(self, claims: Sequence[Claim], obstacle: str) -> Judged:
        """Verdicts of `claims`; `obstacle` keeps every claim but `measure` from being judged, if any."""
        verdicts: list[Verdict] = []
        errors: dict[str, str] = {}
        for claim in claims:
            try:
                verdicts.append(self._verdict(claim, "" if claim.verb == "measure" else obstacle))
            except CircuitCheckError as error:
                errors[claim.id] = str(error)
        return Judged(tuple(verdicts), errors)

    def search(self, claim: Claim) -> Search:
        """The search of a claim, not begun."""
        prepared, trials = self.prepared, self._trials(claim)
        assert claim.for_all is not None, "only claims about every prompt are searched"
        population = population_of(
            prepared.spec.prompts,
            trials.sides,
            corrupt=corruption_of(claim, prepared.spec) or None,
            base=prepared.spec.directory,
        )
        source = Source(population, trials.suits, claim.for_all.prompts, trials.seed)
        folder = self.folder or Path.cwd() / COUNTEREXAMPLES
        memory = Memory(folder, f"{prepared.spec.circuit}::{claim.id}", population)
        return Search(trials, source, memory, self._told(claim))

    def errands(self, claims: Sequence[Claim]) -> Iterator[Errand]:
        """What searches take that find nothing; to shrink a counterexample takes more, one prompt at a time.

        Raises:
            CircuitCheckError: prompts cannot be made, or do not fit the tokenizer.
        """
        for claim in claims:
            search = self.search(claim)
            for batch in batched(list(search.ahead.values())):
                yield from search.trials.errands(batch)

    def _verdict(self, claim: Claim, obstacle: str) -> Verdict:
        population = f"all {named_population(self.prepared.evaluated)}"
        if obstacle:
            nothing = self.prepared.evaluated.subset([])
            return unsearched(Case(claim, self.prepared.spec, nothing, Measurement({})), population, obstacle)
        return verdict_of(self.search(claim).finding(), population)

    def _trials(self, claim: Claim) -> Trials:
        prepared = self.prepared
        prompted = prepared.prompts[corruption_of(claim, prepared.spec)]
        return Trials(
            claim=claim,
            spec=prepared.spec,
            engine=prepared.bench.engine,
            tokenizer=prepared.bench.tokenizer,
            references=prompted.references,
            mlp_aliases=prepared.mlp_aliases,
            seed=prompted.evaluated.seed,
        )

    def _told(self, claim: Claim) -> Callable[[int, int], None]:
        def told(done: int, wanted: int) -> None:
            if self.progress is not None:
                self.progress(done, wanted, f"prompts for {claim.id}")

        return told

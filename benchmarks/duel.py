"""A work on a setting, by circuitcheck and by whole passes, in turns.

In: a work, a setting, a budget in seconds. Out: a `Row` with every raw timing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from benchmarks.counting import counted_flops
from benchmarks.floor import Sizes, work_flops
from benchmarks.hooked import HookedLoop
from benchmarks.machine import load_average
from benchmarks.memory import Meter
from benchmarks.rates import Rates, measure_rates
from benchmarks.rounds import Run, Spread, one_round, timed
from benchmarks.row import ALL_LOGITS, END_LOGITS, OURS, SPLICED, Agreement, Row
from benchmarks.sampling import Sample, sample
from benchmarks.setting import Setting
from benchmarks.sides import EngineSide, Side
from benchmarks.spliced import is_about_features, is_installed, splicer
from benchmarks.tuning import BatchChoice
from benchmarks.works import Work
from circuitcheck.engine import Intervention, Values

MOST_ROUNDS = 15
OUR_PART = 0.4
"""Of a round's seconds."""
_COUNTED_PROMPTS = 2


@dataclass(frozen=True)
class Effort:
    """How long a row may take: seconds in all, rounds at least; `whole` times every intervention on both sides."""

    seconds: float
    rounds: int
    whole: bool = False


@dataclass(frozen=True)
class _Round:
    """One turn of everybody."""

    rates: Rates
    runs: Mapping[str, Run[Values]]


@dataclass(frozen=True)
class Duel:
    """A work, ready to be fought over; `batches` by the side that they were found best for."""

    work: Work
    setting: Setting
    batches: Mapping[str, BatchChoice]
    meter: Meter

    def row(self, effort: Effort) -> Row:
        """Time it within the budget, or on as few interventions as that takes."""
        load, done = load_average(), self._done()
        chosen = self._sample(self._rehearsal(), effort)
        first = self._round(chosen)
        more = self._more_rounds(first, effort)
        rounds = [first, *(self._round(chosen) for _ in range(more))]
        needed = work_flops(self.work.interventions, self.setting)
        return Row(
            work=self.work,
            setting=self.setting,
            sample=chosen,
            seconds={name: self._whole_seconds(name, rounds, chosen) for name in self._sides},
            raw={name: [one.runs[name] for one in rounds] for name in self._sides},
            floor=Spread(tuple(one.rates.seconds(needed) for one in rounds)),
            done=done,
            agreement=self._agreement(first, chosen),
            batches=self.batches,
            load=load,
        )

    @cached_property
    def _sides(self) -> dict[str, Side]:
        """Everybody. Whole passes have the corrupt side's activations beforehand, untimed: the engine has not."""
        rows = self.batches[ALL_LOGITS].rows
        end = HookedLoop(self.setting, self.batches[END_LOGITS].rows, end_only=True)
        end = end.prepared(self.work.interventions)
        loops = {ALL_LOGITS: replace(end, rows=rows, end_only=False), END_LOGITS: end}
        if is_installed() and all(map(is_about_features, self.work.interventions)):
            loops[SPLICED] = replace(loops[ALL_LOGITS], writer=splicer())
        return {OURS: EngineSide(self.setting), **loops}

    def _asked(self, side: str, chosen: Sample) -> tuple[Intervention, ...]:
        return chosen.ours if side == OURS else chosen.theirs

    def _rehearsal(self) -> float:
        """The seconds that the engine would take for the whole work, from a small part of it."""
        few = sample(self.work, ours=0, theirs=0).ours
        engine = self._sides[OURS]
        run = timed(partial(engine.measure, few), self.meter, self._device)
        return run.seconds / engine.share(few, self.work.interventions)

    def _done(self) -> float:
        """`Row.done`, on a few prompts: of what more interventions add, so that shared passes play no part."""
        some = replace(self.setting, prompts=self.setting.prompts.subset(range(_COUNTED_PROMPTS)))
        more = sample(self.work, ours=2 / len(self.work.interventions), theirs=0).ours
        # Whether a model can be run in parts is tried out once, which is no part of any work.
        EngineSide(some).measure(more[:1])
        counted, needed = [], []
        for few in (more, more[:1]):
            counted.append(counted_flops(partial(EngineSide(some).measure, few)))
            needed.append(work_flops(few, some).total())
        return float((counted[0] - counted[1]) / (needed[0] - needed[1]))

    def _sample(self, whole_seconds: float, effort: Effort) -> Sample:
        """What fits: ours may take the larger part of a round, since theirs need only a few passes."""
        if effort.whole:
            return sample(self.work, ours=1, theirs=1)
        a_round = effort.seconds / effort.rounds
        passes = sum(choice.best for choice in self.batches.values()) * len(self.work.interventions)
        return sample(
            self.work,
            ours=min(1.0, OUR_PART * a_round / whole_seconds),
            theirs=min(1.0, (1 - OUR_PART) * a_round / passes),
            least=max(1, max(choice.rows for choice in self.batches.values()) // len(self.setting.prompts)),
        )

    def _round(self, chosen: Sample) -> _Round:
        model = self.setting.model
        rates = measure_rates(Sizes.of(model), device=model.device, dtype=model.dtype)
        calls = {name: partial(side.measure, self._asked(name, chosen)) for name, side in self._sides.items()}
        return _Round(rates, one_round(calls, self.meter, self._device))

    def _more_rounds(self, first: _Round, effort: Effort) -> int:
        """Short rounds are repeated until the budget is used up."""
        seconds = sum(run.seconds for run in first.runs.values())
        return min(MOST_ROUNDS, max(effort.rounds, int(effort.seconds / seconds))) - 1

    def _whole_seconds(self, name: str, rounds: Sequence[_Round], chosen: Sample) -> Spread:
        share = self._sides[name].share(self._asked(name, chosen), self.work.interventions)
        return Spread(tuple(one.runs[name].seconds / share for one in rounds))

    def _agreement(self, first: _Round, chosen: Sample) -> Agreement:
        """The engine against the worse of the two, where both have measured."""
        at = {intervention: row for row, intervention in enumerate(chosen.ours)}
        ours = first.runs[OURS].result[[at[one] for one in chosen.theirs]]
        clean = HookedLoop(self.setting, self.batches[ALL_LOGITS].rows, end_only=False).clean()
        found = [Agreement.of(ours, first.runs[name].result, clean) for name in self._sides if name != OURS]
        return Agreement(max(one.of_metric for one in found), max(one.of_effect for one in found))

    @property
    def _device(self) -> str:
        return self.setting.model.device

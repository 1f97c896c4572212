"""Claims are measured further and further until they are settled, and no further."""

from dataclasses import dataclass, field

import numpy as np
from fakes import FakeEngine, fake_prompts

from circuitcheck.checking.running import ClaimRun, Prompted
from circuitcheck.engine import MetricReading, Replace
from circuitcheck.reading import read_spec_text
from circuitcheck.verdict import Outcome

HEAD = """
circuitcheck: 1
circuit: test
model: {name: some-model}
prompts: {family: ioi}
claims:
"""
N = 256
"""Looks at 32, 64, 128 and 256, at an eighth.. of the error each but the last."""


@dataclass
class CountingEngine(FakeEngine):
    """Remembers on how many prompts it was asked for what; numbers differ from one stretch to the next."""

    sizes: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    idle_until: int = 0
    """Prompts before which interventions change nothing."""

    def measure(self, plan, prompts, references, progress=None):
        names = {
            request.reading.name for request in plan.requests if isinstance(request.reading, MetricReading)
        }
        self.sizes.append((len(prompts), frozenset(names)))
        self.change = float(prompts.rows[0] >= self.idle_until)
        return super().measure(plan, prompts, references, progress)


def normal(means):
    """Metrics of standard deviation 1 about their means, the same for a prompt whenever it is measured."""

    def answer(request, n):
        name = request.reading.name
        shift = -1.0 if isinstance(request.condition.intervention, Replace) else 0.0
        return means[name] + shift + np.random.default_rng([len(name), int(shift) ** 2]).normal(size=n)

    return answer


def run(engine, *claims, obstacle="", to_the_end=False):
    text = HEAD + "".join(f"  - {{id: c{i}, says: so, {claim}}}\n" for i, claim in enumerate(claims))
    spec, prompts = read_spec_text(text), fake_prompts(N)
    together = {spec.prompts.corruption: Prompted(prompts, prompts.subset([]))}
    return ClaimRun(spec, engine, frozenset(), together, to_the_end=to_the_end).judge(spec.claims, obstacle)


CLEAR = "measure: clean, expect: {logit_diff: '>= 1'}"
AT_THE_THRESHOLD = "measure: clean, expect: {log_prob: '>= -2'}"
MEANS = {"logit_diff": 3.0, "log_prob": -2.0, "kl": 1.0}


def test_a_clear_claim_stops_at_its_first_look():
    engine = CountingEngine(normal(MEANS))
    (verdict,) = run(engine, CLEAR).verdicts
    assert verdict.outcome is Outcome.SUPPORTED
    assert (verdict.n, verdict.budget) == (32, N)
    assert [n for n, _ in engine.sizes] == [32]
    assert verdict.prompts is not None
    assert len(verdict.prompts.fingerprints) == 32


def test_a_claim_at_its_threshold_takes_every_prompt_once():
    engine = CountingEngine(normal(MEANS))
    (verdict,) = run(engine, AT_THE_THRESHOLD).verdicts
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.n == verdict.budget == N
    assert [n for n, _ in engine.sizes] == [32, 32, 64, 128]
    assert len(verdict.values["log_prob"]) == N


def test_what_is_settled_is_not_measured_again_and_stays_as_it_was():
    alone = run(CountingEngine(normal(MEANS)), CLEAR).verdicts[0]
    engine = CountingEngine(normal(MEANS))
    first, second = run(engine, CLEAR, AT_THE_THRESHOLD).verdicts
    assert (first.n, second.n) == (alone.n, N)
    assert [names for _, names in engine.sizes] == [
        {"logit_diff", "log_prob"}, {"log_prob"}, {"log_prob"}, {"log_prob"}
    ]  # fmt: skip


def test_a_false_claim_is_refuted_early_once_it_stands_the_correction():
    engine = CountingEngine(normal(MEANS))
    false = "measure: clean, expect: {logit_diff: '>= 5'}"
    first, second = run(engine, false, AT_THE_THRESHOLD).verdicts
    assert first.outcome is Outcome.REFUTED
    assert first.n == 32
    assert first.parts[0].high < 5
    assert second.n == N


def test_the_interval_is_that_of_the_level_of_the_look():
    (early,) = run(CountingEngine(normal(MEANS)), CLEAR).verdicts
    (late,) = run(CountingEngine(normal(MEANS)), "measure: clean, expect: {logit_diff: '?'}").verdicts
    # Quantiles of Student's t: 1 - 0.025/6 at the first of four looks (2.8), against 1 - 0.025 (1.97).
    assert 2.6 < reach(early) < 3.3
    assert 1.85 < reach(late) < 2.15


def reach(verdict):
    """Half the interval in standard errors."""
    (part,), values = verdict.parts, np.array(verdict.values["logit_diff"])
    return (part.high - part.low) / 2 * np.sqrt(len(values)) / values.std(ddof=1)


def test_what_judges_nothing_is_told_from_all_prompts():
    (verdict,) = run(CountingEngine(normal(MEANS)), "measure: clean, expect: {logit_diff: '?'}").verdicts
    assert verdict.outcome is Outcome.MEASURED
    assert verdict.n == N


def test_an_intervention_that_is_idle_at_first_is_no_fault():
    ablation = "ablate: L2H0@END, active_on: 0.2, expect: {effect: '<= -0.5'}"
    found = run(CountingEngine(normal(MEANS), idle_until=32), ablation)
    assert not found.errors
    assert found.verdicts[0].outcome is Outcome.SUPPORTED
    assert found.verdicts[0].n > 32
    assert "unchanged" in run(CountingEngine(normal(MEANS), idle_until=N), ablation).errors["c0"]


def test_with_an_obstacle_nothing_is_measured_beyond_the_first_look():
    engine = CountingEngine(normal(MEANS))
    ablation = "ablate: L2H0@END, expect: {effect: '<= -0.5'}"
    (verdict,) = run(engine, ablation, obstacle="the model does not do this task").verdicts
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "the model does not do this task"
    assert [n for n, _ in engine.sizes] == [32]


def test_to_the_end_all_is_measured_and_the_verdict_stays_as_it_was():
    early = run(CountingEngine(normal(MEANS)), CLEAR).verdicts[0]
    engine = CountingEngine(normal(MEANS))
    (verdict,) = run(engine, CLEAR, to_the_end=True).verdicts
    assert sum(n for n, _ in engine.sizes) == N
    assert (verdict.outcome, verdict.n, verdict.parts) == (early.outcome, early.n, early.parts)
    assert len(verdict.numbers[0].numerator) == len(verdict.prompts.fingerprints) == N
    assert verdict.prompts.fingerprints[:32] == early.prompts.fingerprints

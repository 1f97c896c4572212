"""Other prompts, whole circuits and random ones in a check: what is planned, what is told, what cannot be measured."""

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEngine, fake_prompts, model_of

from circuitcheck import check
from circuitcheck.checking.planning import Planner
from circuitcheck.checking.running import ClaimRun, Prompted
from circuitcheck.errors import MeasurementError, PromptError
from circuitcheck.reading import read_spec_text
from circuitcheck.store import Store
from circuitcheck.verdict import Outcome

CIRCUITS = Path(__file__).parents[2] / "circuits"
CLAIMS = """
  - {id: whatever, says: x, ablate: mover, with: [zero, mean], expect: {drop: "?"}}
  - {id: complete, says: x, complete: [readers, mover], subsets: 2, expect: {gap: "?"}}
  - {id: minimal, says: x, minimal: [readers, mover], expect: {loses: "?"}}
  - {id: outside, says: x, minimal: mover, versus: {random_circuits: 20, n: 16}, expect: {loses: "?"}}
  - {id: random, says: x, keep: readers, versus: {random_circuits: 20, n: 16}, expect: {recovered: "?"}}
  - id: elsewhere
    says: x
    ablate: mover
    expect: {drop: "?"}
    elsewhere: {prompts: {family: greater-than, n: 16}, expect: {drop: "?"}}
"""


def spec():
    text = (CIRCUITS / "ioi-heads.circuit.yaml").read_text(encoding="utf-8").split("claims:")[0]
    few = text.replace("  n: 480\n", "  n: 32\n  templates: [walk, arrive]\n")
    assert few != text
    return read_spec_text(f"{few}claims:{CLAIMS}")


@pytest.fixture(scope="module")
def planned_and_checked(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    before = Planner(store).plan(spec())
    return before, check(spec(), store=store), Planner(store).plan(spec())


def test_a_plan_wants_what_the_check_then_measures(planned_and_checked):
    before, result, after = planned_and_checked
    assert result.errors == {}
    assert before.wanted == result.provenance["store"]["measured"]
    assert (after.wanted, after.stored) == (before.wanted, before.wanted)


def test_other_prompts_are_those_that_the_claim_names(planned_and_checked):
    _, result, _ = planned_and_checked
    verdict = next(one for one in result.verdicts if one.claim == "elsewhere")
    assert [(part.slice, part.n) for part in verdict.parts] == [("", 32), ("elsewhere: greater-than", 16)]
    assert set(result.provenance["elsewhere"]) == {"elsewhere"}


def test_another_seed_draws_the_other_prompts_anew():
    claims = ["elsewhere"]
    first, second = (check(spec(), claims=claims, seed=seed).provenance["elsewhere"] for seed in (0, 1))
    assert first != second


class PickyEngine(FakeEngine):
    """Cannot measure some prompts."""

    def measure(self, plan, prompts, references, progress=None):
        if len(prompts) == 16:
            raise self.refuses
        return super().measure(plan, prompts, references, progress)


ELSEWHERE = """
circuitcheck: 1
circuit: test
model: {name: some-model}
prompts: {family: ioi}
claims:
  - {id: alone, says: so, ablate: L3H0@END, with: zero, expect: {drop: '>= 0.3'}}
  - id: there-too
    says: so
    ablate: L3H0@END
    with: zero
    expect: {drop: '>= 0.3'}
    elsewhere: {prompts: greater-than, expect: {drop: '%s'}}
"""


def run(there="<= 0.9", engine=None, others=64):
    spec, prompts, other = read_spec_text(ELSEWHERE % there), fake_prompts(64), fake_prompts(others, seed=1)
    prompted = {spec.prompts.corruption: Prompted(prompts, prompts.subset([]))}
    engine = engine or FakeEngine(model_of(4.0, 1.0))
    there = {"there-too": Prompted(other, other.subset([]))}
    return ClaimRun(spec, engine, frozenset(), prompted, elsewhere=there).judge(spec.claims, "")


@pytest.mark.parametrize("error", [MeasurementError("no"), PromptError("no")])
def test_what_cannot_be_measured_elsewhere_is_an_error_of_that_claim_only(error):
    engine = PickyEngine(model_of(4.0, 1.0))
    engine.refuses = error
    found = run(engine=engine, others=16)
    assert found.errors == {"there-too": "elsewhere, on greater-than: no"}
    assert [verdict.outcome for verdict in found.verdicts] == [Outcome.SUPPORTED]


@pytest.mark.parametrize(
    ("there", "outcome"),
    [("<= 0.9", Outcome.SUPPORTED), ("<= 0.3", Outcome.REFUTED), ("<= 0.75", Outcome.INCONCLUSIVE)],
)
def test_a_claim_holds_only_if_it_holds_elsewhere_too(there, outcome):
    alone, beside = run(there).verdicts
    assert alone.outcome is Outcome.SUPPORTED
    assert beside.outcome is outcome
    assert beside.parts[0].outcome is Outcome.SUPPORTED
    assert beside.parts[1].slice == "elsewhere: greater-than"
    assert beside.parts[1].outcome is outcome


def test_an_intervention_that_changes_nothing_elsewhere_is_a_finding_and_no_error():
    class Idle(FakeEngine):
        def measure(self, plan, prompts, references, progress=None):
            measured = super().measure(plan, prompts, references, progress)
            if len(prompts) == 48:
                for changes in measured.changes.values():
                    changes[:] = 0.0
            return measured

    def answer(request, n):
        value = 4.0 if request.condition.intervention is None or n == 48 else 1.0
        return np.full(n, value) + np.random.default_rng(n).standard_normal(n) * 0.1

    found = run("between -0.1 and 0.1", engine=Idle(answer), others=48)
    assert not found.errors
    facts = found.verdicts[1].facts
    assert facts["elsewhere: greater-than"].endswith("which changes something on 0%")

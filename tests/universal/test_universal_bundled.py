"""`for_all` on the bundled model: searched through `check`, resampled as the engine itself resamples, planned, reported."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from circuitcheck import check
from circuitcheck.checking.bench import Overrides, open_bench
from circuitcheck.checking.planning import errands_of
from circuitcheck.checking.preparing import Prepared
from circuitcheck.checking.searching_run import UniversalRun
from circuitcheck.claims.planning import requests_of
from circuitcheck.engine import Plan
from circuitcheck.prompts.populations import Example
from circuitcheck.prompts.tokenise import tokenise
from circuitcheck.reading import read_spec_text
from circuitcheck.report.page import Origin, claim_page
from circuitcheck.verdict import Outcome

CIRCUITS = Path(__file__).parents[2] / "circuits"
CLAIMS = """claims:
  - id: every-prompt-prefers-the-indirect-object
    says: On every prompt of the family the model prefers the indirect object.
    measure: clean
    for_all: 200
    expect: {logit_diff: "> 0"}
  - id: behaviour
    says: On average it does.
    measure: clean
    expect: {logit_diff: ">= 3"}
  - id: no-prompt-is-lost-altogether
    says: On no prompt is the other name far ahead.
    measure: clean
    for_all: 200
    expect: {logit_diff: "> -8"}
  - id: no-prompt-does-without-the-readers
    says: Whatever other prompt the readers read, the preference is less.
    ablate: readers
    with: resample
    for_all: 60
    expect: {effect: "<= -0.5"}
  - id: no-prompt-gains-much-from-the-mean
    says: With means in the place of the readers no prompt gains much.
    ablate: readers
    with: mean
    for_all: 60
    expect: {effect: "<= 5"}
"""


def spec_of(claims=CLAIMS, n=64):
    text = (CIRCUITS / "ioi-heads.circuit.yaml").read_text(encoding="utf-8").split("claims:")[0]
    head = text.split("edges:")[0]
    return read_spec_text(head.replace("  n: 480\n", f"  n: {n}\n") + claims)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("counterexamples")


@pytest.fixture(scope="module")
def result(folder):
    return check(spec_of(), counterexamples=folder)


def verdict_of(result, claim):
    return next(verdict for verdict in result.verdicts if verdict.claim == claim)


def test_verdicts_come_in_the_order_of_the_file_whether_searched_or_sampled(result):
    assert result.errors == {}
    assert [verdict.claim for verdict in result.verdicts] == [claim.id for claim in result.spec.claims]
    assert [verdict.outcome for verdict in result.verdicts] == [
        Outcome.REFUTED, Outcome.SUPPORTED, Outcome.SUPPORTED, Outcome.REFUTED, Outcome.SUPPORTED,
    ]  # fmt: skip


def test_the_counterexample_is_of_the_first_template_and_order_and_real(result, folder):
    verdict = verdict_of(result, "every-prompt-prefers-the-indirect-object")
    (worst,) = verdict.worst
    family = result.spec.prompts.known_family
    assert (worst.template, worst.order) == (family.template_ids()[0], "ABBA")
    search = run_of(result.spec, folder).search(result.spec.claims[0])
    (example,) = search.memory.recalled()
    assert example.pair.clean == worst.prompt
    # The same prompt, alone and as the file's prompts are measured.
    prompts = tokenise([example.pair], search.trials.tokenizer, bos=None, seed=0)
    (request,) = search.trials.requests
    (value,) = search.trials.engine.measure(Plan((request,)), prompts, prompts.subset([])).values[request]
    assert value < 0
    assert worst.before == pytest.approx(value, rel=1e-4)


def test_the_page_has_the_shrunken_prompt_and_the_number_of_prompts(result):
    verdict = verdict_of(result, "every-prompt-prefers-the-indirect-object")
    page = "\n".join(claim_page(verdict, Origin("x.circuit.yaml")))
    assert f'"{verdict.worst[0].prompt}"' in page
    assert f"counterexample after {verdict.n} prompts, shrunk to:" in page
    assert f"logit_diff {verdict.parts[0].estimate:.3f}   no interval   n = {verdict.n}" in page
    assert "about     all prompts of these 15 templates in 2 orders" in page
    held = verdict_of(result, "no-prompt-is-lost-altogether")
    assert "no counterexample among 200 prompts" in "\n".join(claim_page(held, Origin("x.circuit.yaml")))


def test_a_second_check_remembers_the_counterexample(result, folder):
    again = check(spec_of(), claims=["every-prompt-prefers-the-indirect-object"], counterexamples=folder)
    (verdict,) = again.verdicts
    assert verdict.n == 1
    assert "remembered from an earlier run" in verdict.reason
    assert verdict.worst == verdict_of(result, verdict.claim).worst


def test_values_of_a_drawn_donor_are_those_that_the_engine_resamples(tmp_path):
    """Of two prompts of one template and order each is the other's donor in the engine's own derangement."""
    spec = spec_of()
    claim = next(claim for claim in spec.claims if claim.with_ == "resample")
    run = run_of(spec, tmp_path)
    prepared, search = run.prepared, run.search(claim)
    tried = next(example for example in search.ahead.values())
    pair, donor = tried.pair, tried.donor
    both = [Example(pair, donor), Example(donor, pair)]
    search.trials.measure(both)
    prompts = tokenise([pair, donor], prepared.bench.tokenizer, bos=spec.prompts.bos, seed=0)
    requests = requests_of(claim, spec, prepared.mlp_aliases)
    measured = prepared.bench.engine.measure(Plan.of(requests), prompts, prompts.subset([]))
    found = search.trials.case(both).measurement
    assert set(found.values) == set(requests)
    for request in requests:
        np.testing.assert_allclose(found.values[request], measured.values[request], rtol=1e-4, atol=1e-5)
    for condition, changes in measured.changes.items():
        np.testing.assert_allclose(found.changes[condition], changes, rtol=1e-3)


class Counting:
    """An engine that remembers how many prompts it was asked about, each time."""

    def __init__(self, engine):
        self.engine, self.shape, self.sizes = engine, engine.shape, []

    def measure(self, plan, prompts, references, progress=None):
        self.sizes.append((len(prompts), len(plan.requests)))
        return self.engine.measure(plan, prompts, references, progress)


def test_a_plan_has_what_a_search_measures_that_finds_nothing(tmp_path):
    spec = spec_of()
    claims = [claim for claim in spec.claims if claim.id == "no-prompt-gains-much-from-the-mean"]
    run = run_of(spec, tmp_path, claims)
    planned = [(len(errand.prompts), len(errand.plan.requests)) for errand in run.errands(claims)]
    assert planned == [(32, 2), (28, 2)]
    whole = [(len(errand.prompts), len(errand.plan.requests)) for errand in errands_of(run.prepared)]
    assert [each for each in whole if each in planned] == planned
    counting = Counting(run.prepared.bench.engine)
    bench = replace(run.prepared.bench, engine=counting)
    judged = UniversalRun(replace(run.prepared, bench=bench), tmp_path).judge(claims, "")
    assert judged.verdicts[0].outcome is Outcome.SUPPORTED
    assert counting.sizes == planned


def test_a_model_that_fails_its_task_leaves_claims_open_but_measure_and_searches_nothing(tmp_path):
    spec = spec_of()
    run = run_of(spec, tmp_path)
    claims = [
        claim for claim in spec.claims if claim.id in {"behaviour", "no-prompt-gains-much-from-the-mean"}
    ]
    judged = run.judge(claims[1:], "the model does not do the task")
    (verdict,) = judged.verdicts
    assert (verdict.outcome, verdict.reason, verdict.n) == (
        Outcome.INCONCLUSIVE,
        "the model does not do the task",
        0,
    )
    assert "the model does not do the task" in "\n".join(claim_page(verdict, Origin("x.circuit.yaml")))


def test_what_cannot_be_measured_is_an_error_of_its_claim_and_of_no_other(tmp_path):
    idle = (
        CLAIMS.split("  - id: behaviour")[0]
        + """  - id: idle
    says: The readers do nothing at the first token, which nothing corrupts.
    ablate: [L1H0@0]
    with: corrupt
    for_all: 20
    expect: {effect: "between -1 and 1"}
"""
    )
    result = check(spec_of(idle), counterexamples=tmp_path)
    assert [verdict.claim for verdict in result.verdicts] == ["every-prompt-prefers-the-indirect-object"]
    assert list(result.errors) == ["idle"]
    assert "leaves L1H0@0 unchanged on every prompt" in result.errors["idle"]


def run_of(spec, folder, claims=None):
    return UniversalRun(Prepared(spec, open_bench(spec, Overrides()), claims or spec.claims), folder)

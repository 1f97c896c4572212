"""Families without an answer are measured in loss, and whatever scores an answer is refused."""

import math
from typing import Any

import numpy as np
import pytest
from fakes import FakeEngine, fake_prompts

from circuitcheck.checking.setup import model_result, task_requests
from circuitcheck.claims.requests import metric
from circuitcheck.engine import CLEAN, Measurement, Plan
from circuitcheck.errors import SpecError
from circuitcheck.prompts.describe import describe_prompts
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.reading import read_spec_text
from circuitcheck.spec import CircuitSpec
from prompts.built_in import bundled_tokenizer, tokenised

ABLATE = {"id": "a", "says": "b", "ablate": "L1H0@END", "expect": {"effect": "<= 0.1"}}
FILE = """circuitcheck: 1
circuit: plain
model: ioi-mini
prompts: {{family: {family}, n: 120}}
{metric}claims:
  - {{id: a, says: b, {claim}}}
"""
EFFECT = "ablate: L1H0@END, expect: {effect: '<= 0.1'}"


def read(claim: str = EFFECT, *, family: str = "plain", metric: str = "") -> CircuitSpec:
    return read_spec_text(FILE.format(claim=claim, family=family, metric=metric))


def problems(claim: str = EFFECT, **changes: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(claim, **changes)
    return [problem.message for problem in caught.value.problems]


def built(**changes: Any) -> CircuitSpec:
    fields = {"circuitcheck": 1, "circuit": "plain", "model": "ioi-mini", "claims": [ABLATE]}
    return CircuitSpec.model_validate(fields | changes)


def plain_set() -> PromptSet:
    return tokenised("plain", "other_text", n=32)


def test_a_file_that_names_no_metric_is_measured_in_loss_where_there_are_no_answers() -> None:
    assert read().metric == "loss"
    assert read(metric="metric: kl\n").metric == "kl"
    assert read(family="pronoun").metric == "logit_diff"


def test_a_spec_built_in_code_has_the_same_metric_as_the_file() -> None:
    assert built(prompts={"family": "plain"}).metric == "loss"
    assert built(prompts={"family": "plain"}, metric="kl").metric == "kl"
    assert built(prompts={"family": "ioi"}).metric == "logit_diff"


@pytest.mark.parametrize(
    ("claim", "metric", "sentence"),
    [
        (
            EFFECT,
            "metric: logit_diff\n",
            "metric: family 'plain' has no answers, so there is no logit_diff. Write loss or kl.",
        ),
        (
            f"metric: rank, {EFFECT}",
            "",
            "claims.0.metric: family 'plain' has no answers, so there is no rank. Write loss or kl.",
        ),
        (
            "measure: clean, expect: {accuracy: '>= 0.5'}",
            "",
            "claims.0.expect.accuracy: family 'plain' has no answers, so there is no accuracy. Write loss or kl.",
        ),
        (
            "writes: L1H0@END, expect: {logits: '>= 0.5'}",
            "",
            "claims.0.writes: family 'plain' has no answers, so there is no direction to write in. Delete this claim.",
        ),
        (
            "ablate: L1H0@END, expect: {drop: '>= 0.5'}",
            "",
            "claims.0.expect.drop: drop is a share of the metric, and loss has no meaningful zero. Write effect instead.",
        ),
        (
            "ablate: L1H0@END, expect: {lost: '>= 0.5'}",
            "",
            "claims.0.expect.lost: lost is for metrics of which more is better, and less loss is. Write effect instead.",
        ),
        (
            "keep: L1H0@END, expect: {recovered: '>= 0.5'}",
            "",
            "claims.0.expect.recovered: recovered is for metrics of which more is better, and less loss is. "
            "Write effect instead.",
        ),
        (
            "ablate: L1H0@NAME, expect: {effect: '<= 0.5'}",
            "",
            "claims.0.ablate: the prompts have no role 'NAME'. There is: END.",
        ),
        (
            "measure: clean, expect: {loss: '<= -1'}",
            "",
            "claims.0.expect.loss: -1 is below 0, but loss lies in 0 and more.",
        ),
    ],
)
def test_what_plain_prompts_cannot_show_is_refused(claim: str, metric: str, sentence: str) -> None:
    assert problems(claim, metric=metric) == [sentence]


def test_loss_may_be_asked_of_prompts_with_answers_too() -> None:
    assert (
        read("metric: loss, ablate: L1H0@END, expect: {effect: '<= 0.1'}", family="ioi").metric
        == "logit_diff"
    )
    assert read("measure: clean, expect: {loss: '<= 5'}", family="ioi").claims[0].thresholds["loss"].high == 5


def setup(losses: np.ndarray[Any, Any], prompts: PromptSet) -> Any:
    measured = Measurement({metric(CLEAN, "loss"): losses})
    return model_result(read(), prompts, measured, n_tokens=1000)


def test_a_model_that_expects_the_texts_more_than_chance_is_able() -> None:
    losses = 3 + np.random.default_rng(0).normal(size=32)
    found = setup(losses, plain_set())
    assert found.ok
    assert found.facts == {"loss": pytest.approx(losses.mean())}
    assert found.message.startswith(f"the model expects these texts: loss {losses.mean():.3g} [")
    assert found.message.endswith("nats per token, chance 6.91")


def test_a_model_at_chance_is_not() -> None:
    found = setup(math.log(1000) + np.random.default_rng(0).normal(size=32), plain_set())
    assert not found.ok
    assert found.message.startswith("the model does not expect these texts more than chance does: loss ")


def test_the_setup_of_a_model_reads_what_its_prompts_have() -> None:
    engine = FakeEngine(lambda request, n: np.ones(n))
    for prompts, names in ((plain_set(), ["loss"]), (fake_prompts(), ["logit_diff", "accuracy"])):
        engine.measure(Plan.of(task_requests(prompts)), prompts, prompts.subset([]))
        assert [request.reading.name for request in engine.asked[-1].requests] == names  # type: ignore[union-attr]


def test_prompts_without_answers_are_shown_without_one() -> None:
    lines = describe_prompts(plain_set(), bundled_tokenizer(), 1).splitlines()
    assert lines[1] == "no answer: scored by the loss of its text"

"""Stretches: some prompts of a set, whose donors still come from all of it."""

from pathlib import Path

import numpy as np
import pytest

from circuitcheck.engine import CLEAN, Condition, MetricReading, Plan, Replace, Request, Source
from circuitcheck.nodes import parse_node
from circuitcheck.planted import chain
from circuitcheck.prompts.build import build_prompts
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.store.keys import Keys


@pytest.fixture(scope="module")
def model():
    return chain(0, n_truth=64, exact_passes=False)


@pytest.fixture(scope="module")
def prompts(model):
    backend = model.bridge.tokenizer
    tokenizer = Tokenizer.from_backend(backend.backend_tokenizer, backend.bos_token_id)
    spec = model.spec([model.design.statements[0].claim("?")])
    return build_prompts(spec.prompts, tokenizer, n=64, base=Path())


def resampled(model):
    head = model.design.head("mover").seat
    node = parse_node(head.at("END"))
    done = Condition("clean", Replace((node,), Source("resample")))
    return Request(done, MetricReading("logit_diff"))


def test_a_stretch_measures_what_the_whole_set_measures_there(model, prompts):
    from circuitcheck.engines import LensEngine

    engine = LensEngine(model.model, model.dictionaries)
    plan = Plan((resampled(model), Request(CLEAN, MetricReading("accuracy"))))
    whole = engine.measure(plan, prompts, prompts.subset([]))
    rows = prompts.dealt[:24]
    part = engine.measure(plan, prompts.stretch(rows), prompts.subset([]))
    for request in plan.requests:
        np.testing.assert_allclose(part.values[request], whole.values[request][rows], rtol=1e-6, atol=1e-6)
    for condition, changes in whole.changes.items():
        np.testing.assert_allclose(part.changes[condition], changes[rows], rtol=1e-5, atol=1e-6)
    own = engine.measure(plan, prompts.subset(rows), prompts.subset([]))
    assert not np.allclose(own.values[plan.requests[0]], part.values[plan.requests[0]]), "other donors"


def test_a_stretch_of_a_stretch_has_the_donors_of_the_whole_set(prompts):
    again = prompts.stretch(range(10, 40)).stretch([3, 5])
    assert again.whole is prompts
    assert again.rows.tolist() == [13, 15]


def test_generated_prompts_are_dealt_as_they_stand(prompts):
    assert prompts.dealt.tolist() == list(range(len(prompts)))


def test_prompts_in_blocks_are_dealt_out_in_turn(prompts):
    blocks = prompts.subset(np.argsort(prompts.strata, kind="stable"))
    strata = blocks.strata[blocks.dealt]
    number = len(set(strata.tolist()))
    for n in range(number, len(blocks), number):
        assert set(np.bincount(strata[:n]).tolist()) == {n // number}


class _Named:
    @staticmethod
    def key():
        return "a model"


def test_the_same_prompts_with_other_donors_have_other_keys(model, prompts):
    rows = range(16)
    request, clean = resampled(model), Request(CLEAN, MetricReading("logit_diff"))
    keys = [Keys(_Named(), each) for each in (prompts.stretch(rows), prompts.subset(rows))]
    with_donors = [each.request(request, prompts.subset([])) for each in keys]
    without = [each.request(clean, prompts.subset([])) for each in keys]
    assert with_donors[0] != with_donors[1]
    assert without[0] == without[1]

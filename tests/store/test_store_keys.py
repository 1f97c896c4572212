"""What a stored measurement depends on: everything that changes it, and nothing else."""

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pytest
from fakes import fake_prompts
from store_samples import IDENTITY, METRIC, PROMPTS, REFERENCES, ablating, model_with

from circuitcheck.engine import (
    CLEAN,
    CORRUPT,
    Condition,
    Intervention,
    KeepOnly,
    Reading,
    Request,
    Source,
    Splice,
)
from circuitcheck.nodes import parse_node
from circuitcheck.store import keys as module
from circuitcheck.store.keys import VERSIONS, WORDS, Keys, digest

MEAN = ablating("L2H0", kind="mean")
RESAMPLE = ablating("L2H0")
ZERO = ablating("L2H0", kind="zero")
CLEAN_METRIC = Request(CLEAN, METRIC)


def key(request=CLEAN_METRIC, prompts=PROMPTS, references=REFERENCES, identity=IDENTITY):
    keys = Keys(identity, prompts)
    return digest([keys.context, keys.request(request, references)])


def with_first(sequences, token):
    return ((token, *sequences[0][1:]), *sequences[1:])


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "ef" * 32},
        {"configuration": "ef" * 32},
        {"weights": "folded"},
        {"dtype": "float16"},
        {"device": "cuda"},
    ],
)
def test_another_model_is_measured_again(changes):
    assert key(identity=model_with(**changes)) != key()


def test_the_name_of_the_model_and_the_number_of_its_device_do_not_count():
    assert key(identity=replace(IDENTITY, name="elsewhere")) == key()
    assert key(identity=model_with(device="cuda:1")) == key(identity=model_with(device="cuda:0"))


def test_another_version_of_a_library_is_measured_again():
    assert key(identity=replace(IDENTITY, libraries={**IDENTITY.libraries, "torch": "2.14.0"})) != key()


def test_an_alias_does_not_count_and_the_dictionary_behind_it_does():
    def of(alias):
        return key(ablating(f"L2.{alias}/7"))

    assert of("z") == of("renamed")
    assert of("z") != of("other")
    assert key(ablating("L2.z/7")) != key(ablating("L1.z/7"))


@pytest.mark.parametrize("field", ["answers", "foils"])
def test_other_answers_are_measured_again(field):
    changed = ((1,), *PROMPTS.foils[1:]) if field == "foils" else (1, *PROMPTS.answers[1:])
    assert key(prompts=replace(PROMPTS, **{field: changed})) != key()


def test_clean_tokens_roles_cells_and_bos_are_part_of_every_key():
    moved = {**PROMPTS.roles, "S2": np.array([2, *PROMPTS.roles["S2"][1:]])}
    pairs = (replace(PROMPTS.pairs[0], template="t9"), *PROMPTS.pairs[1:])
    changed = [
        replace(PROMPTS, clean=with_first(PROMPTS.clean, 11)),
        replace(PROMPTS, roles=moved),
        replace(PROMPTS, pairs=pairs),
        replace(PROMPTS, has_bos=False),
    ]
    assert len({key(), *(key(prompts=prompts) for prompts in changed)}) == 1 + len(changed)


def test_corrupt_tokens_count_only_where_they_are_read():
    other = replace(PROMPTS, corrupt=with_first(PROMPTS.corrupt, 11))
    keep = Request(Condition("clean", KeepOnly((), Source("corrupt"))), METRIC)
    splice = Request(Condition("clean", Splice((parse_node("L2.z/error@END"),))), METRIC)
    over_clean = ablating("L2H0", over="clean")
    for request in (Request(CORRUPT, METRIC), RESAMPLE, keep, ablating("L2H0", kind="clean", side="corrupt")):
        assert key(request, other) != key(request)
    for request in (CLEAN_METRIC, ZERO, MEAN, splice, over_clean):
        assert key(request, other) == key(request)


def test_the_seed_counts_only_where_donors_are_drawn():
    other = replace(PROMPTS, seed=5)
    assert key(RESAMPLE, other) != key(RESAMPLE)
    assert key(ZERO, other) == key(ZERO)
    assert key(CLEAN_METRIC, other) == key()


def test_the_reference_set_counts_only_where_it_is_averaged():
    other = replace(fake_prompts(4), corrupt=((0, 9, 9, 9, 4),) * 4)
    assert key(MEAN, references=other) != key(MEAN)
    assert key(RESAMPLE, references=other) == key(RESAMPLE)
    keys = Keys(IDENTITY, PROMPTS)
    assert keys.request(MEAN, other) != keys.request(MEAN, REFERENCES), "whichever was asked for first"


def test_an_intervention_that_the_store_does_not_know_depends_on_everything():
    @dataclass(frozen=True)
    class Unknown:
        nodes: tuple

    request = Request(Condition("clean", Unknown((parse_node("L2.z/error@END"),))), METRIC)
    for other in (replace(PROMPTS, seed=5), replace(PROMPTS, corrupt=with_first(PROMPTS.corrupt, 11))):
        assert key(request, other) != key(request)


def test_every_kind_of_reading_and_intervention_has_a_version():
    assert set(get_args(Reading)) | set(get_args(Intervention)) == set(WORDS)
    assert set(WORDS.values()) <= set(VERSIONS)


@pytest.mark.parametrize("word", ["metric", "replace"])
def test_a_raised_version_measures_again_what_that_code_made(monkeypatch, word):
    before = key(RESAMPLE), key(CLEAN_METRIC)
    monkeypatch.setattr(module, "VERSIONS", {**VERSIONS, word: 2})
    assert key(RESAMPLE) != before[0]
    assert (key(CLEAN_METRIC) == before[1]) == (word == "replace")

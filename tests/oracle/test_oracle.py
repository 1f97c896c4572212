"""Engine against oracle, on all cases: both read the same folders, and the numbers must agree to 1e-5."""

from __future__ import annotations

import numpy as np
import pytest

from circuitcheck.engines import LensModel, resample_donors
from oracle.asking import ask
from oracle.cases import GPT2_CASES, LLAMA_CASES
from oracle.comparing import TOLERANCE, distance, donors_of, engine_on
from oracle.readings import Numbers
from oracle.setting import Settings
from oracle.wording import Case

CASES = {"gpt2": GPT2_CASES, "llama": LLAMA_CASES}
COUNTS = {"accuracy", "top1", "rank"}
"""Metrics in whole numbers, which an intervention may well leave alone."""


Found = dict[str, dict[str, Numbers]]
"""By model, by the name of the case."""


@pytest.fixture(scope="session")
def found(settings: Settings, models: dict[str, LensModel]) -> Found:
    """What the engine measures; all cases of a model in one plan."""
    measured: Found = {}
    for model, setting in settings.items():
        engine = engine_on(models[model], setting.world)
        numbers = ask(engine, list(CASES[model]), setting.prompts, setting.references)
        measured[model] = {case.name: one for case, one in zip(CASES[model], numbers, strict=True)}
    return measured


def test_the_engine_agrees_with_the_oracle(settings: Settings, found: Found, model: str, case: Case) -> None:
    expected = settings[model].expected(case, donors_of(case, settings[model].prompts))
    for reading, numbers in expected.items():
        assert distance({reading: found[model][case.name][reading]}, {reading: numbers}) <= TOLERANCE, reading


def test_what_a_case_does_can_be_seen_in_every_reading(settings: Settings, model: str, case: Case) -> None:
    setting = settings[model]
    before, after = setting.untouched(case), setting.expected(case, donors_of(case, setting.prompts))
    for reading in {"logit_diff", "log_prob", *case.readings} - COUNTS:
        assert np.abs(after[reading] - before[reading]).max() > 1e-3, reading
    for reading in case.unmoved:
        np.testing.assert_allclose(after[reading], before[reading], atol=1e-9)


@pytest.mark.parametrize("side", ["clean", "corrupt"])
def test_untouched_runs_agree_too(
    settings: Settings, models: dict[str, LensModel], model: str, side: str
) -> None:
    setting = settings[model]
    attention, activation, writes = (
        "attention L1H2@END S1",
        "activation L1.tc/2@S2",
        "writes L0.mlp@END L1.res/3@END",
    )
    readings = ("prob_diff", "accuracy", "top1", "rank", attention, activation, writes)
    case = Case("untouched", (), side=side, readings=readings)
    engine = engine_on(models[model], setting.world)
    found = ask(engine, [case], setting.prompts, setting.references)[0]
    assert distance(found, setting.expected(case)) <= TOLERANCE


def test_small_batches_give_the_same_numbers(
    settings: Settings, models: dict[str, LensModel], found: Found, model: str
) -> None:
    setting = settings[model]
    some = [case for case in CASES[model] if case.source in {"resample", "mean"}][:6]
    engine = engine_on(models[model], setting.world, batch_size=3)
    again = ask(engine, some, setting.prompts, setting.references)
    for case, numbers in zip(some, again, strict=True):
        assert distance(numbers, found[model][case.name]) <= TOLERANCE, case.name


@pytest.mark.parametrize("number", [0, 1, 2])
def test_donors_are_other_prompts_of_the_same_cell_and_each_lends_once(
    settings: Settings, number: int
) -> None:
    prompts = settings["gpt2"].prompts
    donors = [int(row) for row in resample_donors(prompts, number)]
    assert sorted(donors) == list(range(len(prompts)))
    for row, donor in enumerate(donors):
        assert donor != row
        assert prompts.cells[donor] == prompts.cells[row]
        assert len(prompts.clean[donor]) == len(prompts.clean[row])
        assert all(index[donor] == index[row] for index in prompts.roles.values())
